import type { Request, Response } from 'express';

/** Lives from the button's form to the page that it leads to. */
const PROOF_LIFETIME_MILLIS = 120_000;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** The cookies by which a browser is known again. */
export interface BrowserCookies {
  /** This browser's id; null when it has none. */
  browserId(request: Request): string | null;
  /** What a button's form left for the session's page. */
  passingProof(request: Request, sessionId: string): string | null;
  setBrowserId(response: Response, browserId: string): void;
  setPassingProof(response: Response, sessionId: string, proof: string): void;
  clearPassingProof(response: Response, sessionId: string): void;
}

/** Reads one cookie; of two with the same name the first counts, as browsers send the more specific one first. */
const readCookie = (request: Request, name: string): string | null => {
  for (const pair of (request.get('cookie') ?? '').split(';')) {
    const [key, value = ''] = pair.trim().split('=', 2);
    if (key === name) return SECRET.test(value) ? value : null;
  }
  return null;
};

/**
 * Cookies for this host alone, out of reach of scripts, and sent along when another site leads here by a link, but not
 * with its forms. With TLS the `__Host-` prefix keeps neighbouring subdomains from setting them.
 * @see RFC 6265bis section 4.1.3.2
 */
export const createBrowserCookies = (secure: boolean): BrowserCookies => {
  const prefix = secure ? '__Host-' : '';
  const browser = `${prefix}authpipe_browser`;
  const proof = (sessionId: string) => `${prefix}authpipe_opening_${sessionId}`;
  const options = { httpOnly: true, sameSite: 'lax', secure, path: '/' } as const;
  return {
    browserId: (request) => readCookie(request, browser),
    passingProof: (request, sessionId) => readCookie(request, proof(sessionId)),
    setBrowserId: (response, browserId) => void response.cookie(browser, browserId, options),
    setPassingProof: (response, sessionId, value) =>
      void response.cookie(proof(sessionId), value, { ...options, maxAge: PROOF_LIFETIME_MILLIS }),
    clearPassingProof: (response, sessionId) => void response.clearCookie(proof(sessionId), options),
  };
};
