// One film in hls.js or dash.js, and what a person at the remote control would do with it.
"use strict";

const video = document.getElementById("video");
const BUFFER_S = 8;
const errors = [];
const waits = []; // when the player stood still, in the film's time
let engine;

video.addEventListener("waiting", () => video.seeking || waits.push(video.currentTime));
video.addEventListener("error", () => errors.push(`video: ${video.error.message}`));

const engines = {
  hls(url) {
    const hls = new Hls({ maxBufferLength: BUFFER_S, maxMaxBufferLength: BUFFER_S, startLevel: 0 });
    hls.on(Hls.Events.ERROR, (_, data) => errors.push(`hls.js: ${data.details} ${data.reason ?? ""}`));
    hls.loadSource(url);
    hls.attachMedia(video);
    return {
      rungs: () => hls.levels.map((level) => level.height),
      choose: (number) => { hls.nextLevel = number; },
    };
  },
  dash(url) {
    const player = dashjs.MediaPlayer().create();
    player.initialize();
    player.updateSettings({ streaming: {
      abr: { autoSwitchBitrate: { video: false }, initialBitrate: { video: 1 } },
      buffer: { bufferTimeDefault: BUFFER_S, bufferTimeAtTopQuality: BUFFER_S,
                bufferTimeAtTopQualityLongForm: BUFFER_S },
    } });
    player.on("error", (event) => errors.push(`dash.js: ${event.error.message}`));
    player.on("playbackError", (event) => errors.push(`dash.js: ${event.error}`));
    player.attachView(video);
    player.attachSource(url);
    return {
      rungs: () => player.getRepresentationsByType("video").map((one) => one.height),
      choose: (number) => player.setRepresentationForTypeByIndex("video", number),
    };
  },
};

function until(what, condition, limit_s = 30) {
  return new Promise((done, fail) => {
    const begun = performance.now();
    const timer = setInterval(() => {
      if (condition()) { clearInterval(timer); done(); return; }
      if (performance.now() - begun < limit_s * 1000) return;
      clearInterval(timer);
      fail(new Error(`${what} takes more than ${limit_s} s at ${video.currentTime} s,`
        + ` ${video.readyState}, buffered ${JSON.stringify(buffered())}: ${errors.join("; ")}`));
    }, 20);
  });
}

const buffered = () =>
  Array.from(video.buffered, (_, n) => [video.buffered.start(n), video.buffered.end(n)]);

// The brightness of the picture that is shown, and its own time.
function frames(seen) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let goes_on = true;
  let drawn_at = -Infinity;
  const look = (_, frame) => {
    // A busy machine calls late: if this picture was there already, it is the one that was drawn.
    if (frame.presentationTime <= drawn_at) seen.pop();
    drawn_at = performance.now();
    context.drawImage(video, 0, 0, 1, 1);
    seen.push([frame.mediaTime, context.getImageData(0, 0, 1, 1).data[0]]);
    if (goes_on) video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  return () => { goes_on = false; };
}

window.begin = async (kind, url) => {
  engine = engines[kind](url);
  await until("the film", () => video.readyState >= 3);
  await video.play();
  await until("the first second", () => video.currentTime >= 1);
  return { duration: video.duration, rungs: engine.rungs(), height: video.videoHeight };
};

// Jump to just before a join and play over it.
window.cross = async (at_s) => {
  const seen = [];
  video.currentTime = at_s - 0.7;
  await until(`the seek to ${at_s}`, () => !video.seeking && video.readyState >= 3);
  const before = waits.length;
  const stop = frames(seen);
  await until(`playing over ${at_s}`, () => video.currentTime >= at_s + 0.7);
  stop();
  const covers = buffered().some(([start, end]) => start <= at_s - 0.5 && end >= at_s + 0.5);
  return { covers, seen, waits: waits.length - before };
};

window.choose = async (number, height) => {
  const before = waits.length;
  const begun_s = video.currentTime;
  engine.choose(number);
  await until(`the change to ${height}`, () => video.videoHeight === height);
  const changed_s = video.currentTime;
  await until("playing on", () => video.currentTime >= changed_s + 0.5);
  return { waits: waits.length - before, after_s: changed_s - begun_s };
};

window.jump = async (at_s) => {
  video.currentTime = at_s;
  await until(`the seek to ${at_s}`, () => !video.seeking && video.readyState >= 3);
};

window.finish = async () => {
  await window.jump(video.duration - 1);
  await until("the end", () => video.ended);
  const quality = video.getVideoPlaybackQuality();
  return {
    errors, waits,
    dropped: quality.droppedVideoFrames, total: quality.totalVideoFrames,
    corrupted: quality.corruptedVideoFrames ?? 0,
    heard_bytes: video.webkitAudioDecodedByteCount,
  };
};
