-- Every pinned address of the house.
SELECT account, address
FROM house_addresses
ORDER BY account
