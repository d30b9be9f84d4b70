// How does the person notice a call? A ring made of two tones, and the title of the page.

export type Tune = "incoming" | "outgoing";

interface Pattern {
  readonly tones: readonly [number, number];
  readonly volume: number;
  readonly every: number;
  /** Seconds at which a burst begins and ends. */
  readonly bursts: readonly (readonly [number, number])[];
}

const patterns: Record<Tune, Pattern> = {
  incoming: { tones: [587, 784], volume: 0.16, every: 3, bursts: [[0, 0.4], [0.55, 0.95]] },
  outgoing: { tones: [425, 425], volume: 0.04, every: 5, bursts: [[0, 1]] },
};

let context: AudioContext | undefined;
let playing: Tune | undefined;
let stopRinging: (() => void) | undefined;

/** Rings until `hush`. Browsers stay silent until the person has touched the page once. */
export function ring(tune: Tune): void {
  if (playing === tune) return;
  hush();
  playing = tune;
  const begin = (): void => {
    context ??= new AudioContext();
    void context.resume();
    burst(context, patterns[tune]);
  };
  const tick = (): void => {
    if (navigator.userActivation?.hasBeenActive ?? true) begin();
  };
  tick();
  const timer = setInterval(tick, patterns[tune].every * 1000);
  stopRinging = () => {
    clearInterval(timer);
    void context?.close();
    context = undefined;
    playing = undefined;
  };
}

export function hush(): void {
  stopRinging?.();
  stopRinging = undefined;
}

function burst(to: AudioContext, { tones, volume, bursts }: Pattern): void {
  const now = to.currentTime + 0.02;
  for (const [begin, end] of bursts) {
    const gain = to.createGain();
    gain.connect(to.destination);
    gain.gain.setValueAtTime(0, now + begin);
    gain.gain.linearRampToValueAtTime(volume, now + begin + 0.03);
    gain.gain.setValueAtTime(volume, now + end - 0.06);
    gain.gain.linearRampToValueAtTime(0, now + end);
    for (const tone of new Set(tones)) {
      const oscillator = to.createOscillator();
      oscillator.frequency.value = tone;
      oscillator.connect(gain);
      oscillator.start(now + begin);
      oscillator.stop(now + end);
    }
  }
}

const title = document.title;
let blinking: ReturnType<typeof setInterval> | undefined;

/** Shows the words in the title, in turn with the title of the page, until `steady`. */
export function blink(words: string): void {
  steady();
  document.title = words;
  blinking = setInterval(() => {
    document.title = document.title === words ? title : words;
  }, 1000);
}

export function steady(): void {
  clearInterval(blinking);
  document.title = title;
}
