/**
 * The server can't start, and a person can mend it: the message is one sentence that says what to change. It is printed
 * alone, without a stack.
 */
export class StartError extends Error {
  override readonly name = 'StartError';
}
