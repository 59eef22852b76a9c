import type { CSSProperties } from 'react';
import type { ConnectFlowStatus } from './connect-flow.js';

interface Tone {
  readonly background: string;
  readonly color: string;
  readonly border: string;
}

/**
 * A state's colours, each as its light and dark value; `name` is the middle of its CSS variables. `light-dark()` follows
 * the page's own `color-scheme`: a page that is only light keeps a light button.
 */
const tone = (name: string, background: string, color: string, border: string): Tone => {
  const colour = (part: string, pair: string): string =>
    `var(--authpipe-${name}${part}, light-dark(${pair}))`;
  return {
    background: colour('background', background),
    color: colour('color', color),
    border: colour('border', border),
  };
};

const TONES: Record<ConnectFlowStatus, Tone> = {
  idle: tone('', '#1f2a44, #e8ecf5', '#fff, #141b2d', '#0000, #0000'),
  connecting: tone('connecting-', '#eef1f6, #252c3d', '#3d4861, #c3cbdd', '#d5dbe7, #39425a'),
  connected: tone('connected-', '#eaf6ef, #14301f', '#11643a, #8fdcb0', '#bfe2cd, #24543a'),
  needs_reconnect: tone('attention-', '#fff3dc, #3a2a0a', '#7a4a00, #f5cd80', '#efd39a, #634a17'),
  error: tone('error-', '#fdecea, #3b1513', '#96231a, #f6b0a9', '#f2c3be, #6a2722'),
};

/** The button's default look. Every state has the same size, so that nothing around it moves. */
export function buttonStyle(status: ConnectFlowStatus, disabled: boolean): CSSProperties {
  const { background, color, border } = TONES[status];
  return {
    display: 'inline-flex',
    alignItems: 'center',
    justifyContent: 'center',
    gap: '0.5em',
    boxSizing: 'border-box',
    minHeight: 'var(--authpipe-height, 2.75em)',
    minWidth: 'var(--authpipe-min-width, 12em)',
    padding: 'var(--authpipe-padding, 0.5em 1.1em)',
    border: `1px solid ${border}`,
    borderRadius: 'var(--authpipe-radius, 0.5em)',
    background,
    color,
    fontFamily: 'var(--authpipe-font-family, inherit)',
    fontSize: 'var(--authpipe-font-size, 0.9375rem)',
    fontWeight: 'var(--authpipe-font-weight, 600)',
    lineHeight: 1.25,
    cursor: disabled ? 'not-allowed' : status === 'connecting' ? 'progress' : 'pointer',
    opacity: disabled ? 0.55 : 1,
    textAlign: 'center',
  };
}

export const rootStyle: CSSProperties = {
  display: 'inline-flex',
  flexDirection: 'column',
  alignItems: 'flex-start',
  gap: '0.4em',
  maxWidth: '100%',
};

export const errorTextStyle: CSSProperties = {
  color: TONES.error.color,
  fontFamily: 'var(--authpipe-font-family, inherit)',
  fontSize: 'var(--authpipe-message-size, 0.8125rem)',
  lineHeight: 1.4,
  maxWidth: '28em',
};

/** Heard, not seen. */
export const announcedOnlyStyle: CSSProperties = {
  position: 'absolute',
  width: 1,
  height: 1,
  margin: -1,
  overflow: 'hidden',
  clipPath: 'inset(50%)',
  whiteSpace: 'nowrap',
};
