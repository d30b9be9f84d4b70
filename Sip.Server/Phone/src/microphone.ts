// May this page hear the person? The one place that asks the browser for the microphone.
import { noMicrophone } from "./words";

export type Microphone =
  | { readonly kind: "open"; readonly stream: MediaStream }
  | { readonly kind: "closed"; readonly words: string };

/** Whether the browser can hand out a microphone on this address at all. */
export function isSecure(): boolean {
  return window.isSecureContext && navigator.mediaDevices !== undefined;
}

export async function openMicrophone(): Promise<Microphone> {
  if (!isSecure()) return { kind: "closed", words: noMicrophone("", false) };
  try {
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    const stream = await navigator.mediaDevices.getUserMedia({ audio, video: false });
    return { kind: "open", stream };
  } catch (error) {
    const name = error instanceof Error ? error.name : "unknown error";
    return { kind: "closed", words: noMicrophone(name, true) };
  }
}

export function closeMicrophone(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
