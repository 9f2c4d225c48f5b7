// What a reader has picked, known to all panels of a page.

const PICKED = "workbench-select";
const NOTHING_PICKED = { key: null, event: null, leg: null, place: null, at: null };

/** Tell all panels of workbench `bench`: `from` is the panel's own id; `key` a message, `event` one of the log, `leg`, `place`, `at`. */
export function select(detail) {
  document.dispatchEvent(new CustomEvent(PICKED, { detail: { bench: null, from: null, ...NOTHING_PICKED, ...detail } }));
}

/** Hear what is picked in the other panels of this workbench; returns what ends it. */
export function onSelect(bench, from, callback) {
  const heard = ({ detail }) => detail.bench === bench && detail.from !== from && callback(detail);
  document.addEventListener(PICKED, heard);
  return () => document.removeEventListener(PICKED, heard);
}

let panels = 0;

/** An id of its own for a panel's view. */
export const ownId = () => `${Date.now().toString(36)}-${(panels += 1)}`;
