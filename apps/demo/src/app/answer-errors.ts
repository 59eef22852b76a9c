import { AuthpipeError } from '@authpipe/node';
import type { ErrorRequestHandler } from 'express';
import { OktaCallError } from './okta-people.js';

/** Turns errors into answers that a person can act on. What is not expected stays in the server's log. */
export const answerErrors: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (response.headersSent) {
    next(error);
  } else if (error instanceof AuthpipeError) {
    response.status(STATUS[error.code] ?? 502).json({ error: { code: error.code, message: error.message } });
  } else if (error instanceof OktaCallError) {
    response.status(502).json({ error: { code: 'okta_refused', message: error.message } });
  } else {
    console.error(error);
    response
      .status(500)
      .json({ error: { code: 'internal_error', message: 'Something went wrong here. Try again.' } });
  }
};

/** The codes that the page has something to say about; every other one is a fault between two servers. */
const STATUS: Partial<Record<AuthpipeError['code'], number>> = {
  connection_not_found: 404,
  needs_reconnect: 409,
  rate_limited: 429,
};
