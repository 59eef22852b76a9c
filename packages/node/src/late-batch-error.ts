import { AuthpipeError } from './errors.js';

/**
 * A request with several questions that was not answered in time. One of them may be what takes so long: that says
 * nothing about the server, and repeating all of them is no use.
 */
export class LateBatchError extends AuthpipeError {}
