import { type Authpipe, AuthpipeError } from '@authpipe/node';

/** What the platform hands over, as far as it matters here: an HTTP event of AWS Lambda, say. */
export interface FunctionEvent {
  readonly tenantId: string;
  readonly userId: string;
}

/** What the platform sends on. */
export interface FunctionAnswer {
  readonly statusCode: number;
  readonly body: string;
}

/** Answers how many people a directory has. */
export const createHandler =
  (authpipe: Authpipe) =>
  async ({ tenantId, userId }: FunctionEvent): Promise<FunctionAnswer> => {
    try {
      const answer = await authpipe.fetch({ provider: 'okta', tenantId, userId }, '/api/v1/users?limit=200');
      if (!answer.ok) return { statusCode: 502, body: '{}' };
      const people: unknown = await answer.json();
      return { statusCode: 200, body: JSON.stringify({ people: Array.isArray(people) ? people.length : 0 }) };
    } catch (error) {
      if (!(error instanceof AuthpipeError)) throw error;
      if (error.code === 'needs_reconnect' || error.code === 'connection_not_found') {
        return { statusCode: 409, body: '{"connect":true}' };
      }
      return { statusCode: error.retryable ? 503 : 500, body: JSON.stringify({ code: error.code }) };
    }
  };
