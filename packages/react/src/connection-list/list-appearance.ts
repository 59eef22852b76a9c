import type { ConnectionStatus } from '@authpipe/types';
import type { CSSProperties } from 'react';

const colour = (name: string, pair: string): string => `var(--authpipe-${name}, light-dark(${pair}))`;

const LINE = colour('line', '#d5dbe7, #39425a');
const MUTED = colour('muted', '#566076, #aab3c7');
const ERROR = colour('error-color', '#96231a, #f6b0a9');

/** Words and sign of a status. Never colour alone: each has its own sign and words. */
export const STATUS_COLOURS: Record<ConnectionStatus, string> = {
  unverified: MUTED,
  healthy: colour('connected-color', '#11643a, #8fdcb0'),
  degraded: colour('attention-color', '#7a4a00, #f5cd80'),
  needs_reconnect: ERROR,
};

const smallText: CSSProperties = {
  fontSize: 'var(--authpipe-message-size, 0.8125rem)',
  lineHeight: 1.4,
  overflowWrap: 'anywhere',
};

/**
 * The list's default look: lengths in `em`, logical directions, and wrapping instead of breakpoints, so that it fits 320
 * pixels and both directions of writing without a style sheet.
 */
export const LIST_STYLES = {
  root: {
    fontFamily: 'var(--authpipe-font-family, inherit)',
    fontSize: 'var(--authpipe-font-size, 0.9375rem)',
    lineHeight: 1.4,
    minHeight: '4.75em',
  },
  list: { listStyle: 'none', margin: 0, padding: 0 },
  bare: { margin: '0 0 0.8em' },
  row: {
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: '0.6em 0.9em',
    padding: '0.9em 0',
  },
  /** Of every row but the first. */
  divided: { borderBlockStart: `1px solid ${LINE}` },
  mark: {
    flex: 'none',
    display: 'inline-flex',
    alignItems: 'center',
    justifyContent: 'center',
    width: '2.25em',
    height: '2.25em',
    borderRadius: 'var(--authpipe-radius, 0.5em)',
    background: colour('mark-background', '#eef1f6, #252c3d'),
    color: colour('mark-color', '#3d4861, #c3cbdd'),
    fontWeight: 600,
    overflow: 'hidden',
  },
  about: { flex: '1 1 11em', minWidth: 0, display: 'grid', gap: '0.1em' },
  name: { fontWeight: 600, overflowWrap: 'anywhere' },
  quiet: { ...smallText, color: MUTED },
  status: { ...smallText, display: 'flex', alignItems: 'baseline', gap: '0.4em' },
  actions: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: '0.5em', maxWidth: '100%' },
  question: { ...smallText, flex: '1 1 16em' },
  answers: { display: 'flex', gap: '0.5em' },
  error: { ...smallText, color: ERROR, flexBasis: '100%', margin: 0 },
  notice: { padding: '0.9em 0', margin: 0 },
  button: {
    minHeight: '2.75em',
    padding: '0.3em 0.9em',
    border: `1px solid ${LINE}`,
    borderRadius: 'var(--authpipe-radius, 0.5em)',
    background: 'transparent',
    color: 'inherit',
    fontFamily: 'inherit',
    fontSize: 'var(--authpipe-message-size, 0.8125rem)',
    cursor: 'pointer',
  },
  danger: {
    background: colour('danger-background', '#96231a, #f6b0a9'),
    color: colour('danger-color', '#fff, #3b1513'),
    border: '1px solid transparent',
  },
  placeholder: {
    display: 'inline-block',
    maxWidth: '100%',
    lineHeight: 0.9,
    borderRadius: '0.4em',
    background: colour('mark-background', '#eef1f6, #252c3d'),
  },
} as const satisfies Record<string, CSSProperties>;

/** A look by its name; none at all where the app styles by its own classes. */
export type Look = (name: keyof typeof LIST_STYLES) => CSSProperties | undefined;
