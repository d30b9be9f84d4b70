// Cuts the phone's WebSocket as a network does: from below the stack, which is told nothing beforehand.
// Imported first, for the stacks look up WebSocket when they connect.

const sockets = [];

window.WebSocket = class extends window.WebSocket {
  constructor(...what) {
    super(...what);
    sockets.push(this);
  }
};

export const cut = () => sockets.at(-1).close();
