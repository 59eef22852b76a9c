import type { AuthMethod } from '@authpipe/providers';

/** What the picture of the connection flow says beside its three steps. */
export interface FlowWords {
  /** What each of the three does, in order: the app, Authpipe, the provider. */
  readonly steps: readonly [string, string, string];
  /** On the two arrows to the right. */
  readonly outward: readonly [string, string];
  /** On the two arrows back. */
  readonly homeward: readonly [string, string];
}

/** The flow of one kind of auth method at one provider. */
export function flowWords(method: AuthMethod, providerName: string): FlowWords {
  switch (method.kind) {
    case 'oauth2':
      return {
        steps: [
          'Shows the connect button. Its backend asks for a credential whenever it needs one.',
          `Sends the person to ${providerName}, checks what comes back and keeps the tokens in its vault.`,
          'Asks the person for consent, then answers your calls with the credential.',
        ],
        outward: ['connect', 'authorize'],
        homeward: ['credential', 'tokens'],
      };
    case 'client_credentials':
      return {
        steps: [
          'Opens the connect form. Its backend asks for a credential whenever it needs one.',
          'Keeps the client ID and secret in its vault and trades them for short-lived access tokens.',
          'Issues tokens to an API client that an administrator made. Nobody signs in.',
        ],
        outward: ['connect', 'client secret'],
        homeward: ['credential', 'access token'],
      };
    case 'api_key':
      return {
        steps: [
          'Opens the connect form. Its backend asks for the key whenever it needs it.',
          'Takes the key in its own form, keeps it in its vault and checks that it still works.',
          `Accepts the key in the ${Object.keys(method.headers).join(', ')} header. There is nothing to refresh.`,
        ],
        outward: ['connect', 'key check'],
        homeward: ['credential', 'answer'],
      };
    case 'basic':
      return {
        steps: [
          'Opens the connect form. Its backend asks for the credential whenever it needs it.',
          'Takes the user name and password in its own form and keeps them in its vault.',
          'Accepts the pair in the Authorization header. There is nothing to refresh.',
        ],
        outward: ['connect', 'sign-in check'],
        homeward: ['credential', 'answer'],
      };
    case 'webhook_secret':
      return {
        steps: [
          'Opens the connect form. Its backend asks for the secret to check what it is sent.',
          'Takes the secret in its own form and keeps it in its vault.',
          'Signs its webhooks with the secret. There is nothing to refresh.',
        ],
        outward: ['connect', 'nothing'],
        homeward: ['secret', 'webhooks'],
      };
  }
}
