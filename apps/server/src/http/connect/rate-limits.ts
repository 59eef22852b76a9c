import type { RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { Problem } from '../../errors/problem.js';
import { refusalPage } from './refusal-page.js';
import { sendProblem } from './session-access.js';

const WINDOW_MILLIS = 60_000;

/** Pages and forms: far above what a person does, and an office behind one address; far below a search for codes. */
const PAGES_PER_MINUTE = 240;

/** Each trial of an app asks the provider several times. */
const TRIALS_PER_MINUTE = 20;

/** Buttons look once a second while their popup is open, and an office shares an address. */
const LOOKS_PER_MINUTE = 3_000;

const limit = (perMinute: number, refuse: RequestHandler): RequestHandler =>
  rateLimit({
    windowMs: WINDOW_MILLIS,
    limit: perMinute,
    standardHeaders: 'draft-7',
    legacyHeaders: false,
    handler: refuse,
    // Whether to believe X-Forwarded-For is the app's setting (`trust proxy`), not the limiter's.
    validate: { xForwardedForHeader: false, forwardedHeader: false },
  });

const refuseWithPage: RequestHandler = (_request, response) => {
  const { status, page } = refusalPage('too_many');
  response.status(status).type('html').send(page);
};

/** Limits per client address, kept in this process: each replica counts by itself. */
export const createRateLimits = (publicUrl: string) => ({
  pages: limit(PAGES_PER_MINUTE, refuseWithPage),
  trials: limit(TRIALS_PER_MINUTE, refuseWithPage),
  looks: limit(LOOKS_PER_MINUTE, (_request, response) => {
    const problem = new Problem('rate_limited', 'Too many questions from this address: wait a minute.');
    sendProblem(response, problem, publicUrl);
  }),
});
