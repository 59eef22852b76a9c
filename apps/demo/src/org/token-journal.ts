import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import { type FaultKind, TOKEN_PATH } from './faults.js';
import { formOf } from './request-form.js';
import type { OrgStore } from './store.js';

/** A header by which a caller may say who it is; the org only writes it down. */
export const CALLER_HEADER = 'x-sandbox-caller';

/** One call of the token endpoint as the org saw it. Tokens appear as fingerprints, never in clear. */
export interface TokenRequestRecord {
  /** When the call came, in milliseconds since the epoch, in the clock that everyone shares. */
  arrivedAtMillis: number;
  /** When the authorization server had decided; `null` where a fault kept the call from it. */
  decidedAtMillis: number | null;
  /** When the answer was out, or the connection was gone. */
  endedAtMillis: number;
  /** What the caller said of itself in {@link CALLER_HEADER}. */
  caller: string | null;
  grantType: string | null;
  /** The grant of the refresh token that came or was issued; `null` where the org does not know it. */
  grantId: string | null;
  /** Fingerprints; see {@link tokenFingerprint}. */
  usedRefreshToken: string | null;
  issuedRefreshToken: string | null;
  issuedAccessToken: string | null;
  /** When the refresh token that came was used up first, this call included; `null` while it is not. */
  firstUsedAtMillis: number | null;
  /** What the authorization server or a fault answered; `null` where nothing was. */
  status: number | null;
  fault: FaultKind | null;
  /** Whether the whole answer was handed to the connection while it stood. */
  delivered: boolean;
  /** Whether this call was a use after the grace, for which the whole family was revoked. */
  familyRevoked: boolean;
}

/** Told of each call of the token endpoint once it is over. */
export type TokenRequestObserver = (record: TokenRequestRecord) => void;

/** By what a token can be recognised, and not used: the first 12 digits of its sha256. */
export function tokenFingerprint(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 12);
}

interface OpenRecord {
  readonly record: TokenRequestRecord;
  /** Resolves when the authorization server is done with the call; at once where it never gets it. */
  settled: Promise<unknown>;
}

/** Follows each call of the token endpoint from its arrival to the end of its answer. */
export class TokenJournal {
  readonly #open = new WeakMap<ServerResponse, OpenRecord>();

  constructor(
    private readonly store: OrgStore,
    private readonly wallMillis: () => number,
    private readonly observe: TokenRequestObserver | undefined,
  ) {}

  /** Opens a record for every call of the token endpoint. Goes behind the reading of its form, in front of the faults. */
  follow(): RequestHandler {
    return (req, res, next) => {
      if (this.observe && req.method === 'POST' && req.path === TOKEN_PATH)
        this.#begin(req, res, this.observe);
      next();
    };
  }

  /** The authorization server has the call: it may act on it even when the caller is gone by then. */
  noteHandedOver(res: ServerResponse, settled: Promise<unknown>): void {
    const open = this.#open.get(res);
    if (open) open.settled = settled;
  }

  noteFault(res: ServerResponse, fault: FaultKind): void {
    this.#change(res, { fault });
  }

  noteFamilyRevoked(res: ServerResponse): void {
    this.#change(res, { familyRevoked: true });
  }

  /** What the authorization server is about to answer. */
  noteAnswer(res: ServerResponse, status: number, body: unknown, usedRefreshToken: unknown): void {
    const issued: { refresh_token?: unknown; access_token?: unknown } =
      typeof body === 'object' && body !== null ? body : {};
    this.#change(res, {
      decidedAtMillis: this.wallMillis(),
      status,
      firstUsedAtMillis:
        typeof usedRefreshToken === 'string' ? this.store.refreshTokenFirstUsedAt(usedRefreshToken) : null,
      issuedRefreshToken: fingerprintOf(issued.refresh_token),
      issuedAccessToken: fingerprintOf(issued.access_token),
    });
  }

  #begin(req: IncomingMessage, res: ServerResponse, observe: TokenRequestObserver): void {
    const form = formOf(req);
    const used = form?.get('refresh_token') ?? null;
    const caller = req.headers[CALLER_HEADER];
    const record: TokenRequestRecord = {
      arrivedAtMillis: this.wallMillis(),
      decidedAtMillis: null,
      endedAtMillis: 0,
      caller: typeof caller === 'string' ? caller : null,
      grantType: form?.get('grant_type') ?? null,
      grantId: used === null ? null : this.store.grantOfRefreshToken(used),
      usedRefreshToken: fingerprintOf(used),
      issuedRefreshToken: null,
      issuedAccessToken: null,
      firstUsedAtMillis: null,
      status: null,
      fault: null,
      delivered: false,
      familyRevoked: false,
    };
    const open: OpenRecord = { record, settled: Promise.resolve() };
    this.#open.set(res, open);
    res.once('close', async () => {
      const endedAtMillis = this.wallMillis();
      const status = res.headersSent ? res.statusCode : null;
      await open.settled;
      observe({
        ...record,
        endedAtMillis,
        status: record.status ?? status,
        delivered: res.writableFinished,
      });
    });
  }

  #change(res: ServerResponse, part: Partial<TokenRequestRecord>): void {
    const open = this.#open.get(res);
    if (open) Object.assign(open.record, part);
  }
}

function fingerprintOf(token: unknown): string | null {
  return typeof token === 'string' && token !== '' ? tokenFingerprint(token) : null;
}
