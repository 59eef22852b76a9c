/** What the person is about to connect: given to the `session` function at each click. */
export interface ConnectRequest {
  readonly provider: string;
  readonly integration: string;
  readonly connectionId?: string | undefined;
  /** As the button was given it: your backend decides what of it goes into the session. */
  readonly config?: Readonly<Record<string, string>> | undefined;
  readonly permissions?: undefined;
}

/** What a list of connections asks the `session` function for: a session that connects nothing. */
export interface ListRequest {
  /** For `permissions` of the session. */
  readonly permissions: readonly ['list', 'disconnect'];
  readonly provider?: undefined;
  readonly integration?: undefined;
  readonly connectionId?: undefined;
  readonly config?: undefined;
}

/** What a session is for. */
export type SessionRequest = ConnectRequest | ListRequest;

/**
 * A session token, or a function that fetches one from the app's own backend: at each click of a button, and for a list of
 * connections whenever the last session is over.
 */
export type SessionSource = string | ((request: SessionRequest) => Promise<string>);
