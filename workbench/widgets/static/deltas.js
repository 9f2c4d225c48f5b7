// Rows that Python tells in numbered deltas, of which some may be missed or come twice.

/** Ask Python; saved state without a kernel has nobody to ask: what is there is all there is. */
export function send(model, message) {
  try {
    model.send(message);
  } catch {
    // nobody is there
  }
}

/** All rows of a panel: `take` gets those that are new, each once; of rows with the same `id(row)` never one that is older than the last. */
export class Deltas {
  constructor(model, id, take) {
    this.model = model;
    this.id = id;
    this.take = take;
    this.entries = [];
    this.latest = new Map();
    this.next = 0;
    this.asked = 0;
    this.receive(0, model.get("rows") || []);
    model.on("msg:custom", (message) => message.rows && this.receive(message.start, message.rows));
    send(model, { sync: this.next });
  }

  receive(start, rows) {
    const fresh = rows.filter((row, index) => this.isNews(row, start + index));
    while (this.entries[this.next]) this.next += 1;
    if (this.next < this.entries.length) this.ask();
    if (fresh.length) this.take(fresh);
  }

  isNews(row, at) {
    if (this.entries[at]) return false;
    this.entries[at] = true;
    const id = this.id(row);
    if (this.latest.get(id) > at) return false;
    this.latest.set(id, at);
    return true;
  }

  ask() {
    const now = Date.now();
    if (now - this.asked < 300) return;
    this.asked = now;
    send(this.model, { sync: this.next });
  }
}
