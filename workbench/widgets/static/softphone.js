import { frame } from "./common.js";
import { softphone } from "./faces.js";
import { panel } from "./line.js";

export default () => panel(frame, softphone, () => ({}));
