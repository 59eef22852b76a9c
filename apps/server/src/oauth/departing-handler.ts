import { DecoratorHandler, type Dispatcher } from 'undici';

type StartArguments = Parameters<NonNullable<Dispatcher.DispatchHandler['onRequestStart']>>;

interface StartingHandler {
  onRequestStart(...given: StartArguments): void;
}

/** undici's types leave the decorator's methods out. */
const Base = DecoratorHandler as unknown as new (handler: Dispatcher.DispatchHandler) => StartingHandler;

/**
 * Tells when a request leaves: `onDeparture` runs in the very turn in which the first byte is written, when names are
 * resolved and the connection stands. What it throws keeps the request from being sent.
 */
export class DepartingHandler extends Base {
  readonly #onDeparture: () => void;

  constructor(handler: Dispatcher.DispatchHandler, onDeparture: () => void) {
    super(handler);
    this.#onDeparture = onDeparture;
  }

  override onRequestStart(...given: StartArguments): void {
    this.#onDeparture();
    super.onRequestStart(...given);
  }
}
