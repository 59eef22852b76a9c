/** One client's event stream, in memory. It knows when the client has read what was sent, and asks for more. */
export class MemoryEventStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #waiting: Uint8Array[] = [];
  readonly #onEnd: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Answers the client's question for more; there while it waits. */
  #giveMore: (() => void) | undefined;
  #isOpen = true;

  /** @param onEnd is told once, whoever ends it */
  constructor(signal: AbortSignal | undefined, onEnd: () => void) {
    this.#onEnd = onEnd;
    this.body = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.#finish(),
      },
      // Nothing is read ahead: a question for more means that all before was heeded.
      { highWaterMark: 0 },
    );
    signal?.addEventListener('abort', () => this.cut(signal.reason), { once: true });
  }

  /** Whether the client has acted on everything that was sent. */
  get isHeeded(): boolean {
    return !this.#isOpen || this.#giveMore !== undefined;
  }

  /** Sends text as it is. */
  send(text: string): void {
    if (!this.#isOpen) return;
    this.#waiting.push(new TextEncoder().encode(text));
    const giveMore = this.#giveMore;
    this.#giveMore = undefined;
    giveMore?.();
  }

  /** Breaks it, as a lost network does. */
  cut(reason: unknown): void {
    if (!this.#isOpen) return;
    this.#finish();
    this.#controller?.error(reason);
  }

  async #pull(): Promise<void> {
    if (this.#waiting.length === 0) {
      await new Promise<void>((resolve) => {
        this.#giveMore = resolve;
      });
    }
    const next = this.#waiting.shift();
    if (next !== undefined && this.#isOpen) this.#controller?.enqueue(next);
  }

  #finish(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#giveMore?.();
    this.#onEnd();
  }
}
