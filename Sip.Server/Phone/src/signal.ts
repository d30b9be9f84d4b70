// Who wants to know when something happens? A typed event with one payload.

export class Signal<T> {
  private readonly listeners = new Set<(value: T) => void>();

  /** Calls the listener at every emit; the result takes it off again. */
  on(listener: (value: T) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(value: T): void {
    for (const listener of [...this.listeners]) listener(value);
  }
}
