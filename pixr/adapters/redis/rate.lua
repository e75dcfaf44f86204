-- Count one request of somebody in a moving window, if there is room for it.
--
-- KEYS[1]  a hash: number of a slice of time → requests in it. At most window ÷ slice + 1 fields,
--          so a key has a bounded size however many requests come.
-- ARGV     most requests in any window; window and slice in milliseconds.
--
-- A slice counts as a whole until all of it has left the window: never one request too many, and
-- room comes back a slice too late at most. The clock is the server's: no function's clock, and no
-- caller's, moves it. A request that is refused is not counted, or waiting would never help.
--
-- Returns  {1 if counted else 0, requests that still have room, milliseconds until more have}.
local count_max, window, slice = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local current = math.floor(now / slice)
local slices = window / slice
local fields = redis.call('HGETALL', KEYS[1])
local counted, oldest = 0, current
for i = 1, #fields, 2 do
    local number = tonumber(fields[i])
    if number < current - slices then
        redis.call('HDEL', KEYS[1], fields[i])
    else
        counted = counted + tonumber(fields[i + 1])
        oldest = math.min(oldest, number)
    end
end
local reset = (oldest + slices + 1) * slice - now
if counted >= count_max then
    return {0, 0, reset}
end
redis.call('HINCRBY', KEYS[1], current, 1)
redis.call('PEXPIRE', KEYS[1], window + slice)
return {1, count_max - counted - 1, reset}
