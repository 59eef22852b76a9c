import { Problem } from '../errors/problem.js';

/** The last connection of a page: the next page begins after it. */
export interface ListPosition {
  readonly createdAt: Date;
  readonly id: string;
}

/** An opaque cursor. It holds nothing that the page did not show. */
export const encodeCursor = ({ createdAt, id }: ListPosition): string =>
  Buffer.from(`${createdAt.getTime()}:${id}`).toString('base64url');

/** The position behind a cursor. @throws Problem `invalid_request` for anything that `encodeCursor` did not make */
export const decodeCursor = (cursor: string): ListPosition => {
  const match = /^(\d{1,13}):(conn_[\w-]+)$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!match?.[1] || !match[2]) {
    throw new Problem(
      'invalid_request',
      'The cursor is not valid: use nextCursor of the last page as it is.',
      {
        errors: [{ pointer: '/cursor', detail: 'is not a cursor of this list' }],
      },
    );
  }
  return { createdAt: new Date(Number(match[1])), id: match[2] };
};
