import { frame } from "./common.js";
import { handset } from "./faces.js";
import { panel } from "./line.js";

export default () => panel(frame, handset, (view, ask) => ({ first: view.first, dial: (node, to) => ask(node, "dial", { to }) }));
