// A phone made of SIP.js, worked from outside by `window.phone` and telling by `window.report`.
// Its twin is jssip.js: the same verbs and the same events, so that a case is written once.
import { cut } from "./cut.js";
import {
  Inviter, Messager, Registerer, RegistererState, SessionState, UserAgent,
} from "sip.js";
import { watchMedia } from "./media.js";

const report = (kind, what = {}) => void window.report({ kind, ...what });
const audio = { sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } } };

let ua;
let registerer;
let session;
let ended;

window.phone = {
  async open({ url, uri, user, password }) {
    ua = new UserAgent({
      uri: UserAgent.makeURI(uri),
      authorizationUsername: user,
      authorizationPassword: password,
      transportOptions: { server: url },
      logLevel: "warn",
      sessionDescriptionHandlerFactoryOptions: {
        iceGatheringTimeout: 1000,
        peerConnectionConfiguration: { iceServers: [] },
      },
      delegate: {
        async onDisconnect() {
          await ua.reconnect();
          await registerer.register({ requestDelegate: { onAccept: () => report("registered") } });
        },
        onInvite(invitation) {
          follow(invitation);
          report("incoming", { from: invitation.remoteIdentity.uri.user });
        },
        onMessage(message) {
          const { from, body } = message.request;
          report("message", { from: from.uri.user, text: body });
          void message.accept();
        },
      },
    });
    await ua.start();
    registerer = new Registerer(ua, { regId: 1 });
    registerer.stateChange.addListener((state) => {
      if (state === RegistererState.Registered) report("registered");
      if (state === RegistererState.Unregistered) report("unregistered");
    });
    await registerer.register({
      requestDelegate: {
        onReject: ({ message }) => report("refused", { status: message.statusCode }),
      },
    });
  },
  close: () => void registerer.unregister(),
  cut,
  call(to) {
    const inviter = new Inviter(ua, UserAgent.makeURI(to), audio);
    follow(inviter);
    void inviter.invite({
      requestDelegate: {
        onProgress: ({ message }) => report("progress", { status: message.statusCode }),
        onReject: ({ message }) => report("failed", { by: "remote", status: message.statusCode }),
      },
    });
  },
  answer: () => void session.accept(audio),
  reject: (status) => void session.reject({ statusCode: status }),
  hangUp() {
    if (session.state === SessionState.Established) void session.bye();
    else void session.cancel();
  },
  hold: () => reinvite(true, "held"),
  resume: () => reinvite(false, "resumed"),
  write(to, text) {
    const messager = new Messager(ua, UserAgent.makeURI(to), text, "text/plain;charset=UTF-8");
    void messager.message({
      requestDelegate: {
        onAccept: ({ message }) => report("delivered", { status: message.statusCode }),
        onReject: ({ message }) => report("undelivered", { status: message.statusCode }),
      },
    });
  },
};

function reinvite(hold, done) {
  session.sessionDescriptionHandlerOptionsReInvite = { hold };
  void session.invite({ requestDelegate: { onAccept: () => report(done) } });
}

function follow(fresh) {
  session = fresh;
  ended = "local";
  let talked = false;
  fresh.delegate = {
    onSessionDescriptionHandler: ({ peerConnection }) => watchMedia(peerConnection, report),
    onBye(bye) {
      ended = "remote";
      void bye.accept();
    },
    onCancel: () => report("cancelled"),
    onInvite({ body }) {
      report(/a=(sendonly|inactive)/.test(body) ? "heldByPeer" : "resumedByPeer");
    },
  };
  fresh.stateChange.addListener((state) => {
    if (state === SessionState.Established) {
      talked = true;
      report("talking");
    }
    if (state === SessionState.Terminated && talked) report("ended", { by: ended });
  });
}
