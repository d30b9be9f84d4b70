// A phone made of JsSIP, worked from outside by `window.phone` and telling by `window.report`.
// Its twin is sipjs.js: the same verbs and the same events, so that a case is written once.
import { cut } from "./cut.js";
import { UA, WebSocketInterface } from "jssip";
import { watchMedia } from "./media.js";

const report = (kind, what = {}) => void window.report({ kind, ...what });
const audio = { mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } };

let ua;
let session;

window.phone = {
  open({ url, uri, user, password }) {
    ua = new UA({
      sockets: [new WebSocketInterface(url)], uri, authorization_user: user, password,
      connection_recovery_min_interval: 1,
    });
    ua.on("registered", () => report("registered"));
    ua.on("unregistered", () => report("unregistered"));
    ua.on("registrationFailed", ({ response, cause }) =>
      report("refused", { status: response?.status_code, cause }));
    ua.on("newRTCSession", ({ originator, session: fresh }) => {
      if (originator !== "remote") return;
      follow(fresh);
      report("incoming", { from: fresh.remote_identity.uri.user });
    });
    ua.on("newMessage", ({ originator, message, request }) => {
      if (originator !== "remote") return;
      report("message", { from: message.remote_identity.uri.user, text: request.body });
    });
    ua.start();
  },
  close: () => ua.unregister(),
  cut,
  call(to) {
    follow(ua.call(to, audio));
    watchMedia(session.connection, report);
  },
  answer() {
    session.on("peerconnection", ({ peerconnection }) => watchMedia(peerconnection, report));
    session.answer(audio);
  },
  reject: (status) => session.terminate({ status_code: status }),
  hangUp: () => session.terminate(),
  hold: () => session.hold({}, () => report("held")),
  resume: () => session.unhold({}, () => report("resumed")),
  write(to, text) {
    ua.sendMessage(to, text, {
      contentType: "text/plain;charset=UTF-8",
      eventHandlers: {
        succeeded: ({ response }) => report("delivered", { status: response.status_code }),
        failed: ({ response }) => report("undelivered", { status: response?.status_code }),
      },
    });
  },
};

function follow(fresh) {
  session = fresh;
  fresh.on("progress", ({ originator, response }) => {
    if (originator === "remote") report("progress", { status: response.status_code });
  });
  fresh.on("confirmed", () => report("talking"));
  fresh.on("ended", ({ originator }) => report("ended", { by: originator }));
  fresh.on("failed", ({ originator, message, cause }) => {
    if (cause === "Canceled" && originator === "remote") return report("cancelled");
    report("failed", { by: originator, status: message?.status_code, cause });
  });
  fresh.on("hold", ({ originator }) => {
    if (originator === "remote") report("heldByPeer");
  });
  fresh.on("unhold", ({ originator }) => {
    if (originator === "remote") report("resumedByPeer");
  });
}
