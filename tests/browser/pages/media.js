// Does sound arrive? Counted by the browser's own statistics and told as it grows.

const period = 100;

/** Plays what the connection brings and reports packets, bytes and energy while it lives. */
export function watchMedia(connection, report) {
  connection.addEventListener("track", ({ track, streams }) => {
    const remote = document.getElementById("remote");
    remote.srcObject = streams[0] ?? new MediaStream([track]);
    void remote.play();
  });
  const timer = setInterval(async () => {
    if (connection.connectionState === "closed") return clearInterval(timer);
    const stats = await connection.getStats();
    for (const entry of stats.values()) {
      if (entry.type !== "inbound-rtp" || entry.kind !== "audio") continue;
      const { packetsReceived, bytesReceived, totalAudioEnergy } = entry;
      report("media", {
        packets: packetsReceived ?? 0,
        bytes: bytesReceived ?? 0,
        energy: totalAudioEnergy ?? 0,
      });
    }
  }, period);
}
