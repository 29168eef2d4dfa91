// The page: a camera or a clip, degraded here; only eLR frames are sent.
import { degrade, intervalIndices, centredWindow } from "/page/sensor.js";
import { drawFrame, drawMap } from "/page/picture.js";

const $ = (id) => document.getElementById(id);
const LONGEST = 1280; // larger pictures are scaled before they are degraded
const KEPT = 100; // history
const GAP = 2; // seconds without a picture after which live answers begin afresh

// The token in the page's address, which is taken out of it; null where there is none.
function tokenOfAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  history.replaceState(null, "", location.pathname);
  return given;
}

let token = tokenOfAddress() ?? sessionStorage.getItem("token") ?? "";

let model; // the server's facts
let levels = []; // rows of the slider's sensors
let source = null; // what is shown: { kind, stop }
const kept = new Map(); // number -> eLR frame that was sent
const sent = { frames: 0, bytes: 0 };

const scratch = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const video = $("video");

// --- the server ---

async function ask(path, options = {}) {
  const headers = { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) };
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch {
    throw new Error("The server cannot be reached. Is it still running?");
  }
  if (response.status === 401) askForToken();
  const answer = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

const matrices = new Map();
function matricesFor(height, width, rows = null) {
  const query = `height=${height}&width=${width}${rows ? `&rows=${rows}` : ""}`;
  if (!matrices.has(query)) {
    const promise = ask(`/api/sensor?${query}`);
    promise.then((made) => (promise.made = made)).catch(() => matrices.delete(query));
    matrices.set(query, promise);
  }
  return matrices.get(query);
}

// --- pictures ---

// The video's newest picture: pixels, height, width.
function grab() {
  const scale = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight));
  const width = Math.round(video.videoWidth * scale);
  const height = Math.round(video.videoHeight * scale);
  if (scratch.canvas.width !== width || scratch.canvas.height !== height) {
    Object.assign(scratch.canvas, { width, height });
  }
  scratch.drawImage(video, 0, 0, width, height);
  return { pixels: scratch.getImageData(0, 0, width, height).data, height, width };
}

async function elrFrame() {
  const { pixels, height, width } = grab();
  return degrade(pixels, await matricesFor(height, width), model.channels);
}

const level = () => levels[$("resolution").value];

// The second picture: what is sent, or what another sensor would have seen, for whoever looks at this page.
function showCoarse(frame) {
  const rows = level();
  if (rows === model.height) {
    if (frame) drawFrame($("coarse"), frame, model.height, model.width);
  } else if (rows === Infinity) {
    const [left, top, width, height] = centredWindow(video.videoHeight, video.videoWidth, model.height, model.width);
    const canvas = $("coarse");
    Object.assign(canvas, { width: Math.min(width, 640), height: (Math.min(width, 640) * height) / width });
    canvas.getContext("2d").drawImage(video, left, top, width, height, 0, 0, canvas.width, canvas.height);
  } else {
    const { pixels, height, width } = grab();
    const { made } = matricesFor(height, width, rows);
    if (made) drawFrame($("coarse"), degrade(pixels, made, 3), made.rows.length, made.columns.length);
  }
}

function sayLevel() {
  const rows = level();
  const own = rows === model.height;
  const columns = Math.round((rows * model.width) / model.height);
  const bytes = model.height * model.width * model.channels;
  $("coarse-tag").textContent = own ? "is sent" : "stays here";
  $("coarse-tag").classList.toggle("stays", !own);
  const size = rows === Infinity ? "All pixels" : `${rows}×${columns}`;
  $("coarse-text").textContent = own ? `${size} pixels, ${bytes} bytes a frame: nothing else` : `${size}, for you alone`;
  const times = (rows / model.height) ** 2;
  $("slide-text").textContent = own
    ? `${size} is what the model gets. Move on to see what it never sees.`
    : times < 1
      ? `${size}: less than the model gets.`
      : `${size}: ${times < Infinity ? `${times} times what the model gets` : "what the model never sees"}.`;
  $("resolution").setAttribute("aria-valuetext", `${size}, ${own ? "what is sent" : "not sent"}`);
  if (source && video.readyState >= 2) showCoarse(source.newest);
}

// --- answers ---

function percent(score) {
  return `${(100 * score).toFixed(score < 0.0995 ? 1 : 0)} %`;
}

function showAnswer(answer, frames, about) {
  say("label", answer.label);
  // An object's keys that are numbers, as names of classes may be, come first and in their own order.
  const best = Object.entries(answer.scores).sort((a, b) => b[1] - a[1]).slice(0, 5);
  while ($("scores").children.length < best.length) $("scores").append(template('<li><span></span><div class="meter" role="meter" aria-valuemin="0" aria-valuemax="100"><i></i></div><span></span></li>'));
  [...$("scores").children].forEach((item, i) => {
    const [name, score] = best[i];
    const [label, meter, share] = item.children;
    label.textContent = label.title = name;
    meter.style.setProperty("--share", score);
    meter.setAttribute("aria-label", name);
    meter.setAttribute("aria-valuenow", Math.round(100 * score));
    share.textContent = percent(score);
  });
  showTiles(answer, frames);
  addHistory(answer.label, answer.score, about);
}

function showTiles(answer, frames) {
  const tiles = $("tiles");
  const count = answer.attention.length;
  while (tiles.children.length < count) {
    tiles.append(template('<div class="tile"><div class="screen"><canvas></canvas><canvas></canvas></div><div class="bar"><i></i></div><p></p></div>'));
  }
  const top = Math.max(2 / count, ...answer.attention);
  [...tiles.children].forEach((tile, k) => {
    const [picture, map] = tile.querySelectorAll("canvas");
    if (frames[k]) drawFrame(picture, frames[k], model.height, model.width);
    if (answer.maps) drawMap(map, answer.maps[k]);
    tile.style.setProperty("--share", answer.attention[k] / top);
    tile.style.setProperty("--even", 1 / count / top);
    tile.querySelector("p").textContent = percent(answer.attention[k]);
  });
}

// A label that stays is one entry whose span grows; a clip is always its own.
function addHistory(label, score, about) {
  const list = $("history");
  const newest = list.firstElementChild;
  const now = Date.now();
  let entry = newest;
  if (!newest || newest.dataset.key !== `${label} ${about.key}`) {
    entry = template("<li><b></b><small></small><i></i></li>");
    Object.assign(entry.dataset, { key: `${label} ${about.key}`, since: now, best: 0 });
    list.prepend(entry);
    if (list.children.length > KEPT) list.lastElementChild.remove();
  }
  entry.dataset.best = Math.max(entry.dataset.best, score);
  const seconds = Math.round((now - entry.dataset.since) / 1000);
  const [name, best, when] = entry.children;
  name.textContent = label;
  best.textContent = (about.live ? "up to " : "") + percent(Number(entry.dataset.best));
  const time = new Date(Number(entry.dataset.since)).toLocaleTimeString();
  when.textContent = about.live ? `${time}, camera, ${seconds} s` : `${time}, ${about.name}`;
  $("no-history").hidden = true;
}

function template(html) {
  const made = document.createElement("template");
  made.innerHTML = html;
  return made.content.firstElementChild;
}

// Before they are sent: an answer may never come.
function countSent(frames) {
  sent.frames += frames;
  sent.bytes += frames * model.height * model.width * model.channels;
  $("sent").textContent = `Sent so far: ${sent.frames.toLocaleString()} frames of ${model.height}×${model.width}, ${(sent.bytes / 1000).toFixed(0)} kB. No other picture has left this page.`;
}

// --- sources ---

function stop(message = "Stopped.") {
  source?.stop();
  source = null;
  video.pause();
  video.srcObject?.getTracks().forEach((track) => track.stop());
  if (video.src) URL.revokeObjectURL(video.src);
  video.srcObject = null;
  video.removeAttribute("src");
  video.load();
  $("empty").hidden = false;
  $("stop").disabled = true;
  say("status", message);
}

function begin(kind, text) {
  stop("");
  problem("");
  source = { kind, stop: () => {}, newest: null };
  $("stop").disabled = false;
  $("hr-text").textContent = text;
  return source;
}

const showing = (mine) => source === mine;

async function useCamera() {
  const mine = begin("camera", "The camera’s picture");
  say("status", "Waiting for the camera…");
  try {
    if (!navigator.mediaDevices) {
      throw new Error("Browsers give cameras only to secure pages: open this page by https (farview serve --tls) or on the server’s own machine.");
    }
    const wanted = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: model.rate }, facingMode: "environment" };
    const stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    if (!showing(mine)) return stream.getTracks().forEach((track) => track.stop());
    video.srcObject = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => showing(mine) && fail(new Error("The camera was unplugged or switched off.")));
    await video.play();
    $("empty").hidden = true;
    if (document.hidden) say("status", PAUSED);
    else live(mine);
  } catch (error) {
    if (showing(mine)) fail(cameraError(error));
  }
}

function cameraError(error) {
  const texts = {
    NotAllowedError: "The camera is not allowed on this page: allow it in the browser’s address bar, then try again.",
    NotFoundError: "This device has no camera. You can still open a clip.",
    NotReadableError: "The camera is in use by another program.",
  };
  return texts[error.name] ? new Error(texts[error.name]) : error;
}

// Frames on a fixed time grid to the server, answers about the newest window back. Again for the same source: afresh.
function live(mine) {
  mine.stop();
  const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/live`;
  const socket = new WebSocket(address, token ? ["farview", token] : ["farview"]);
  const awake = navigator.wakeLock?.request("screen").catch(() => {});
  let timer = 0;
  let count = 0;
  let began = null; // milliseconds, of the first frame
  let opened = false;
  kept.clear();
  mine.stop = () => {
    clearTimeout(timer);
    socket.onclose = null;
    socket.close();
    awake?.then((lock) => lock?.release());
  };
  socket.onopen = () => (opened = true);
  socket.onclose = async (event) => {
    let error = new Error(event.reason || "The server ended the connection.");
    if (!opened) {
      // Browsers do not tell why, so ask otherwise: of a token that is no longer right there is an answer.
      const busy = new Error("The server took no live connection; perhaps it has too many. Try again in a moment.");
      error = await ask("/api/model").then(() => busy, (refused) => refused);
    }
    if (showing(mine)) fail(error);
  };
  socket.onmessage = ({ data }) => {
    const answer = JSON.parse(data);
    const middle = answer.frames.map((numbers) => kept.get(numbers[numbers.length >> 1]));
    say("status", "Live");
    showAnswer(answer, middle, { live: true, key: "live" });
  };
  const ended = () => !showing(mine) || socket.readyState > WebSocket.OPEN;
  const send = (frame) => {
    countSent(1);
    socket.send(frame);
    kept.set(count, frame);
    kept.delete(count - model.window - Math.ceil(2 * model.rate));
    count += 1;
  };
  const tick = async () => {
    if (ended()) return;
    const frame = await elrFrame().catch(fail);
    if (!frame || ended()) return;
    mine.newest = frame;
    showCoarse(frame);
    const now = performance.now();
    let due = now + 1000 / model.rate;
    if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < 20 * frame.length) {
      began ??= now;
      // The server knows no times but the grid's: a frame that comes late stands also where none was.
      const missed = Math.round(((now - began) * model.rate) / 1000) - count;
      if (missed > GAP * model.rate) return live(mine);
      for (let i = 0; i <= missed; i++) send(frame);
      due = began + (count * 1000) / model.rate;
      if (count < model.window) say("status", `Watching; the first answer comes in ${Math.ceil((model.window - count) / model.rate)} s`);
    }
    timer = setTimeout(tick, Math.max(0, due - performance.now()));
  };
  tick();
}

// A clip as a whole: its intervals' frames are sought, degraded and sent at once.
async function useClip(file) {
  const mine = begin("clip", file.name);
  say("status", `Reading ${file.name}…`);
  try {
    video.src = URL.createObjectURL(file);
    await event(video, "loadeddata", `${file.name}: this browser cannot play it. Is it a video? Others can be sent to the API.`);
    if (!Number.isFinite(video.duration)) throw new Error(`${file.name}: does not say how long it is.`);
    $("empty").hidden = true;
    const rate = await frameRate();
    const chosen = intervalIndices(model.intervals, Math.max(1, Math.round(video.duration * rate)));
    const frames = [];
    for (const number of chosen.flat()) {
      video.currentTime = Math.min((number + 0.5) / rate, video.duration);
      await event(video, "seeked", `${file.name}: cannot be read to its end.`);
      if (!showing(mine)) return;
      frames.push(await elrFrame());
      mine.newest = frames.at(-1);
      showCoarse(mine.newest);
    }
    const body = new Uint8Array(frames.length * frames[0].length);
    frames.forEach((frame, i) => body.set(frame, i * frame.length));
    const shape = [chosen.length, chosen[0].length, model.height, model.width, model.channels].join("x");
    const headers = { "Content-Type": "application/octet-stream" };
    countSent(frames.length);
    const answer = await ask(`/api/frames?maps=${model.maps}&shape=${shape}`, { method: "POST", headers, body });
    if (!showing(mine)) return;
    const middle = chosen.map((numbers, k) => frames[k * numbers.length + (numbers.length >> 1)]);
    say("status", `${file.name}, the whole clip`);
    showAnswer(answer, middle, { name: file.name, key: `clip ${Date.now()}` });
    playClip(mine);
  } catch (error) {
    if (showing(mine)) fail(error);
  }
}

// Frames a second of the clip, which browsers do not tell: the shortest step among its first frames.
async function frameRate() {
  if (!video.requestVideoFrameCallback) return model.rate;
  const times = [];
  video.playbackRate = 0.5; // so that no frame is left out
  await video.play();
  const enough = new Promise((resolve) => {
    const note = (_, { mediaTime }) => (times.push(mediaTime) < 12 ? video.requestVideoFrameCallback(note) : resolve());
    video.requestVideoFrameCallback(note);
    setTimeout(resolve, 1500);
  });
  await enough;
  video.pause();
  video.playbackRate = 1;
  const steps = times.slice(1).map((time, i) => time - times[i]).filter((step) => step > 0.004);
  return steps.length ? 1 / Math.min(...steps) : model.rate;
}

function event(target, name, failure) {
  return new Promise((resolve, reject) => {
    const settled = new AbortController();
    const listen = (on, settle) => target.addEventListener(on, () => (settled.abort(), settle()), settled);
    listen(name, resolve);
    listen("error", () => reject(new Error(failure)));
  });
}

// The clip again and again beside its coarse picture; nothing is sent.
async function playClip(mine) {
  await video.play().catch(() => {});
  const next = async () => {
    if (!showing(mine)) return;
    mine.newest = await elrFrame();
    showCoarse(mine.newest);
    video.requestVideoFrameCallback ? video.requestVideoFrameCallback(next) : requestAnimationFrame(next);
  };
  next();
}

// --- the page ---

// What is read aloud, when it changes.
function say(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function problem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

function fail(error) {
  stop("Stopped.");
  problem(error.message);
}

function askForToken() {
  token = "";
  sessionStorage.removeItem("token");
  $("token-form").hidden = false;
  $("token").focus();
}

async function start() {
  for (const id of ["camera", "open"]) $(id).disabled = true;
  model = await ask("/api/model");
  sessionStorage.setItem("token", token);
  $("token-form").hidden = true;
  problem("");
  for (const id of ["camera", "open"]) $(id).disabled = false;
  const { height, width, classes } = model;
  document.documentElement.style.setProperty("--aspect", `${width} / ${height}`);
  $("facts").textContent = `recognises ${classes.length} actions in ${height}×${width} pixels`;
  for (const id of ["maps-check", "maps-text"]) $(id).hidden = !model.maps; // exported models have none
  $("facts").title = `${model.name}: ${classes.join(", ")}`;
  levels = [Math.max(1, height >> 1), height, 2 * height, 4 * height, 8 * height, Infinity].filter((rows, i) => rows <= 256 || i === 5);
  $("resolution").max = levels.length - 1;
  sayLevel();
}

// A hidden page gets few pictures and may send fewer.
const PAUSED = "Paused while this page is hidden.";
document.addEventListener("visibilitychange", () => {
  if (source?.kind !== "camera" || video.readyState < 2) return;
  if (!document.hidden) return live(source);
  source.stop();
  say("status", PAUSED);
});
addEventListener("hashchange", () => {
  const given = tokenOfAddress();
  if (given === null) return;
  token = given;
  start().catch((error) => problem(error.message));
});
$("camera").onclick = useCamera;
$("open").onclick = () => $("file").click();
$("stop").onclick = () => stop();
$("file").onchange = () => {
  const [file] = $("file").files;
  $("file").value = "";
  if (file && model) useClip(file);
};
$("resolution").oninput = sayLevel;
$("show-maps").onchange = () => $("tiles").classList.toggle("bare", !$("show-maps").checked);
$("token-form").onsubmit = (submitted) => {
  submitted.preventDefault();
  token = $("token").value.trim();
  start().catch((error) => problem(error.message));
};

addEventListener("dragover", (dragged) => {
  dragged.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", (dragged) => dragged.relatedTarget || document.body.classList.remove("dropping"));
addEventListener("drop", (dropped) => {
  dropped.preventDefault();
  document.body.classList.remove("dropping");
  const [file] = dropped.dataTransfer.files;
  if (file && model) useClip(file);
});

start().catch((error) => problem(error.message));
