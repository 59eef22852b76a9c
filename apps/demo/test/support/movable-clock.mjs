// Loaded into a server process before its own code: a message `{ moveSeconds }` from the test moves the process's time
// forward, so that half an hour passes at once.
let aheadMillis = 0;
const SystemDate = Date;

globalThis.Date = class MovableDate extends SystemDate {
  constructor(...parts) {
    if (parts.length === 0) super(SystemDate.now() + aheadMillis);
    else super(...parts);
  }

  static now() {
    return SystemDate.now() + aheadMillis;
  }
};

process.on('message', ({ moveSeconds }) => {
  if (typeof moveSeconds !== 'number') return;
  aheadMillis += moveSeconds * 1000;
  process.send({ movedSeconds: aheadMillis / 1000 });
});
