// Is sound getting through, both ways? Levels read from the statistics of the peer connection.

export interface Sound {
  /** Level of the own microphone, 0 to 1. */
  readonly mine: number;
  /** Level of what arrives, 0 to 1. */
  readonly theirs: number;
  /** Sound, not only silence, arrived within the last second. */
  readonly hearing: boolean;
  /** RTP packets that arrived so far. */
  readonly packets: number;
}

const period = 200;
const memory = 1000;
// RTCInboundRtpStreamStats.audioLevel of what a person would still call a sound.
const audible = 0.002;

/** Reports the sound of a connection five times a second, until the result is called. */
export function listen(connection: RTCPeerConnection, report: (sound: Sound) => void): () => void {
  let heardAt = Number.NEGATIVE_INFINITY;
  let energyBefore = 0;

  const read = async (): Promise<void> => {
    const stats = await connection.getStats();
    let mine = 0, theirs = 0, packets = 0, energy = 0;
    stats.forEach((entry: Record<string, unknown>) => {
      if (entry["kind"] !== "audio") return;
      if (entry["type"] === "media-source") mine = number(entry["audioLevel"]);
      if (entry["type"] === "inbound-rtp") {
        theirs = Math.max(theirs, number(entry["audioLevel"]));
        packets += number(entry["packetsReceived"]);
        energy += number(entry["totalAudioEnergy"]);
      }
    });
    const now = performance.now();
    // Energy catches the sounds that fall between two readings of the level.
    const grown = energy - energyBefore > (audible * audible * period) / 1000;
    if (theirs > audible || grown) heardAt = now;
    energyBefore = energy;
    report({ mine, theirs, packets, hearing: now - heardAt < memory });
  };

  const timer = setInterval(() => void read().catch(() => undefined), period);
  return () => clearInterval(timer);
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
