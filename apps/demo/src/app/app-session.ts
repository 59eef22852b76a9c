import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { CookieOptions, Request, RequestHandler, Response } from 'express';

/** Who is signed in to the app. Both ids come from this session alone, never from what a browser sends. */
export interface AppUser {
  readonly tenantId: string;
  readonly userId: string;
}

const COOKIE = 'crewdesk_session';
const SESSION_SECONDS = 8 * 3600;

/**
 * The app's own sign-in: a signed cookie that names the user, with nothing secret in it. Your app has one already;
 * Authpipe only needs to know whom it speaks of.
 */
export class AppSessions {
  /** New at each start: a restart signs everybody out. */
  readonly #key = randomBytes(32);
  readonly #cookieOptions: CookieOptions;
  readonly #nowMillis: () => number;

  constructor(options: { secure: boolean; nowMillis: () => number }) {
    this.#nowMillis = options.nowMillis;
    this.#cookieOptions = {
      httpOnly: true,
      sameSite: 'lax',
      secure: options.secure,
      path: '/',
      maxAge: SESSION_SECONDS * 1000,
    };
  }

  /** Signs a user in, until eight hours from now. */
  signIn(response: Response, user: AppUser): void {
    const expiresAtMillis = this.#nowMillis() + SESSION_SECONDS * 1000;
    const payload = Buffer.from(JSON.stringify({ ...user, expiresAtMillis })).toString('base64url');
    response.cookie(COOKIE, `${payload}.${this.#sign(payload)}`, this.#cookieOptions);
  }

  /** The user whose session the request carries, or `null`. */
  userOf(request: Request): AppUser | null {
    const [payload = '', signature = ''] = (readCookie(request, COOKIE) ?? '').split('.');
    const expected = Buffer.from(this.#sign(payload));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
    // The signature is ours, and so is the shape.
    const session = JSON.parse(Buffer.from(payload, 'base64url').toString()) as AppUser & {
      expiresAtMillis: number;
    };
    if (session.expiresAtMillis <= this.#nowMillis()) return null;
    return { tenantId: session.tenantId, userId: session.userId };
  }

  /** Refuses requests without a session; the others find their user by {@link signedInUser}. */
  readonly require: RequestHandler = (request, response, next) => {
    const user = this.userOf(request);
    if (!user) {
      response
        .status(401)
        .json({ error: { code: 'signed_out', message: 'You are signed out. Reload the page.' } });
      return;
    }
    response.locals.user = user;
    next();
  };

  #sign(payload: string): string {
    return createHmac('sha256', this.#key).update(payload).digest('base64url');
  }
}

/** The user that `AppSessions.require` let through. */
export const signedInUser = (response: Response): AppUser => response.locals.user as AppUser;

function readCookie(request: Request, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [key, ...value] = pair.trim().split('=');
    if (key === name) return value.join('=');
  }
  return undefined;
}
