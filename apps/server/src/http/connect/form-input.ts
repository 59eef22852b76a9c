import express, { type Request, type RequestHandler } from 'express';
import type { Settings } from '../../connect/session-choices.js';

/** Reads the hosted pages' forms: a token, an id, a few settings, a key. */
export const readForm: RequestHandler = express.urlencoded({
  extended: false,
  limit: '16kb',
  parameterLimit: 50,
});

/** One field of a form; null when it is missing, empty or there twice. */
export const formField = (request: Request, name: string): string | null => {
  const body: unknown = request.body;
  const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
  return typeof value === 'string' && value !== '' ? value : null;
};

const fieldsUnder = (request: Request, prefix: string): Settings => {
  const body: unknown = request.body;
  if (typeof body !== 'object' || body === null) return {};
  return Object.fromEntries(
    Object.entries(body)
      .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
      .flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [])),
  );
};

/** Fields named `config.…`: settings that a person typed. */
export const typedSettings = (request: Request): Settings => fieldsUnder(request, 'config.');

/** Fields named `credential.…`: what a person proves themselves with. Secret. */
export const typedCredential = (request: Request): Settings => fieldsUnder(request, 'credential.');
