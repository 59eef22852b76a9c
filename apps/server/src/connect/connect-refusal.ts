import type { FieldError } from '@authpipe/types';

/** Why a browser can't go on. Each has a page that says so. */
export type RefusalKind =
  /** No session of that token or id. */
  | 'unknown_session'
  /** No link of that code. */
  | 'unknown_link'
  | 'link_used'
  | 'link_expired'
  /** What the link was made for is done. */
  | 'setup_done'
  /** No set-up of that address. */
  | 'unknown_setup'
  /** The form came from a page that the session does not allow. */
  | 'foreign_origin'
  | 'session_expired'
  /** The session has ended. */
  | 'session_over'
  /** The session belongs to another browser. */
  | 'other_browser'
  /** No trip to a provider of that state. */
  | 'unknown_state'
  /** The provider's answer came a second time. */
  | 'replayed'
  /** Nothing that is set up fits what the button asked for. */
  | 'nothing_to_connect'
  /** Settings that were typed do not fit: see `errors`. */
  | 'wrong_settings'
  /** The provider can't be asked now. */
  | 'provider_away'
  /** The provider's answer was refused, or has to be mended in its set-up. */
  | 'provider_setup';

/** A browser can't go on. The message names no secret. */
export class ConnectRefusal extends Error {
  override readonly name = 'ConnectRefusal';
  constructor(
    readonly kind: RefusalKind,
    /** The session is for the log, and for the pages that lead back to it: those of its own browser. */
    readonly details: { readonly sessionId?: string; readonly errors?: readonly FieldError[] } = {},
  ) {
    super(`connecting was refused: ${kind}`);
  }
}
