import { Authpipe } from '@authpipe/node';
import { createHandler } from './handler.js';

// Made once per instance and kept between calls. Between them the instance is frozen, and an event stream would be dead
// when it wakes: so no stream, and a change is seen within maxAgeSeconds.
const authpipe = new Authpipe({ stream: false, maxAgeSeconds: 30 });

export const handler = createHandler(authpipe);
