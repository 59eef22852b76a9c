import { type RequestHandler, type Response, Router } from 'express';
import { ConnectRefusal } from '../../connect/connect-refusal.js';
import type { Connect } from '../../connect/create-connect.js';
import { Problem } from '../../errors/problem.js';
import { problemDocumentOf, requestIdOf } from '../problem-response.js';
import { originOf } from './same-origin-guard.js';

/** How long a browser may remember that it may ask, in seconds. */
const PREFLIGHT_SECONDS = 600;

const BEARER = /^Bearer ([A-Za-z0-9_.-]+)$/i;

/** Answers a problem document. */
export const sendProblem = (response: Response, problem: Problem, publicUrl: string): void => {
  response
    .status(problem.status)
    .type('application/problem+json')
    .json(problemDocumentOf(problem, requestIdOf(response), publicUrl));
};

/**
 * What `GET /connect/session` sends for CORS. The preflight comes without the token, so it says yes to all who ask; the
 * answer itself is readable only to origins that the session names.
 */
const allowPreflight: RequestHandler = (request, response) => {
  const origin = originOf(request);
  if (origin !== null) {
    response.set({
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Methods': 'GET',
      'Access-Control-Allow-Headers': 'Authorization',
      'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
      Vary: 'Origin',
    });
  }
  response.status(204).end();
};

/** The browser's look at its own session, by the session token: the state, and never a credential. */
export const sessionLook = (
  { readByToken }: Pick<Connect, 'readByToken'>,
  limit: RequestHandler,
  publicUrl: string,
): Router => {
  const router = Router();
  router.options('/connect/session', limit, allowPreflight);
  router.get('/connect/session', limit, async (request, response) => {
    response.set('Vary', 'Origin');
    const token = BEARER.exec(request.get('authorization') ?? '')?.[1] ?? '';
    const origin = originOf(request);
    try {
      const { session, state } = await readByToken(token);
      if (
        request.get('origin') !== undefined &&
        (origin === null || !session.allowedOrigins.includes(origin))
      ) {
        throw new Problem('forbidden', 'This origin is not in allowedOrigins of the connect session.');
      }
      // Without credentials: the token is the whole proof, and no cookie takes part.
      if (origin !== null) response.set('Access-Control-Allow-Origin', origin);
      response.json(state);
    } catch (error) {
      if (error instanceof Problem) sendProblem(response, error, publicUrl);
      else if (error instanceof ConnectRefusal) {
        // Readable to whoever asked, as it tells of nobody's session: else a button took a dead token for a dead network.
        if (origin !== null) response.set('Access-Control-Allow-Origin', origin);
        sendProblem(
          response,
          new Problem('unauthorized', 'The session token is not known here: fetch a new one.'),
          publicUrl,
        );
      } else throw error;
    }
  });
  return router;
};
