import type { CSSProperties } from 'react';
import type { ConnectFlowStatus } from './connect-flow.js';

interface Tone {
  readonly background: string;
  readonly color: string;
  readonly border: string;
}

/**
 * A state's colours, each as its light and dark value; `name` is the middle of its CSS variables. `light-dark()` follows
 * the page's own `color-scheme`: a page that is only light keeps a light button. The border is a tint of the words.
 */
const tone = (name: string, background: string, color: string): Tone => {
  const colour = (part: string, value: string): string => `var(--authpipe-${name}${part}, ${value})`;
  return {
    background: colour('background', `light-dark(${background})`),
    color: colour('color', `light-dark(${color})`),
    border: colour('border', 'color-mix(in srgb, currentColor 20%, #0000)'),
  };
};

const TONES: Record<ConnectFlowStatus, Tone> = {
  idle: tone('', '#1f2a44, #e8ecf5', '#fff, #141b2d'),
  connecting: tone('connecting-', '#eef1f6, #252c3d', '#3d4861, #c3cbdd'),
  connected: tone('connected-', '#eaf6ef, #14301f', '#11643a, #8fdcb0'),
  needs_reconnect: tone('attention-', '#fff3dc, #3a2a0a', '#7a4a00, #f5cd80'),
  error: tone('error-', '#fdecea, #3b1513', '#96231a, #f6b0a9'),
};

/** `font-size` of each size: all of the button's lengths follow it. */
const FONT_SIZES = { small: '0.8125rem', medium: '0.9375rem', large: '1.0625rem' };

/** How large a button is. Every size is at least 24 pixels high. @see WCAG 2.2, 2.5.8 */
export type ButtonSize = keyof typeof FONT_SIZES;

/** What decides how a button looks. */
export interface ButtonLook {
  readonly status: ConnectFlowStatus;
  readonly disabled: boolean;
  readonly size: ButtonSize;
  /** All that it may come to say. */
  readonly texts: readonly string[];
}

/** The button's default look. Every state has the same size, so that nothing around it moves. */
export function buttonStyle({ status, disabled, size, texts }: ButtonLook): CSSProperties {
  const { background, color, border } = TONES[status];
  // A `ch` is wider than most letters: room for the longest text, the sign and the padding.
  const longest = Math.max(...texts.map(({ length }) => length));
  return {
    display: 'inline-flex',
    alignItems: 'center',
    justifyContent: 'center',
    gap: '0.5em',
    boxSizing: 'border-box',
    minHeight: 'var(--authpipe-height, 2.75em)',
    minWidth: `var(--authpipe-min-width, max(12em, min(${longest}ch + 4em, 85vw)))`,
    padding: 'var(--authpipe-padding, 0.5em 1.1em)',
    border: `1px solid ${border}`,
    borderRadius: 'var(--authpipe-radius, 0.5em)',
    background,
    color,
    fontFamily: 'var(--authpipe-font-family, inherit)',
    fontSize: `var(--authpipe-font-size, ${FONT_SIZES[size]})`,
    fontWeight: 'var(--authpipe-font-weight, 600)',
    lineHeight: 1.25,
    cursor: disabled ? 'not-allowed' : status === 'connecting' ? 'progress' : 'pointer',
    opacity: disabled ? 0.55 : 1,
    textAlign: 'center',
  };
}

export const rootStyle: CSSProperties = {
  display: 'inline-grid',
  justifyItems: 'start',
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
  overflow: 'hidden',
  clipPath: 'inset(50%)',
  whiteSpace: 'nowrap',
};
