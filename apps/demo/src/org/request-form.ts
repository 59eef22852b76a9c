import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { RequestHandler } from 'express';

/** More than any OAuth request needs, and what the authorization server itself takes at most. */
const MAX_FORM_BYTES = 56 * 1024;

const forms = new WeakMap<IncomingMessage, Buffer>();

/**
 * Reads the body of a POST under `/oauth2/`, so that it can be counted by grant type and failed on purpose before the
 * authorization server sees it. {@link replay} hands it on unread.
 */
export const readForm: RequestHandler = async (req, res, next) => {
  if (req.method !== 'POST' || !req.path.startsWith('/oauth2/')) return next();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_FORM_BYTES) {
      res.status(413).set('Connection', 'close').end();
      return;
    }
    chunks.push(chunk);
  }
  forms.set(req, Buffer.concat(chunks));
  next();
};

/** The parameters of a request read by {@link readForm}; undefined for any other. */
export function formOf(req: IncomingMessage): URLSearchParams | undefined {
  const body = forms.get(req);
  return body && new URLSearchParams(body.toString('utf8'));
}

/** The same request with its body still to be read, or with another body in its place. */
export function replay(req: IncomingMessage, form?: URLSearchParams): IncomingMessage {
  const body = form ? Buffer.from(form.toString()) : forms.get(req);
  if (!body) return req;
  return Object.create(req, {
    readable: { value: true },
    readableEncoding: { value: null },
    headers: { value: { ...req.headers, 'content-length': String(body.length) } },
    iterator: { value: () => Readable.from([body]) },
  });
}
