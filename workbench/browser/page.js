// A softphone or a handset on a page of its own. Its token or ticket comes in the fragment, which is taken off the address at once.

import { box, h } from "./elements.js";
import { Talk, party, softphone, handset } from "./faces.js";

const face = document.body.dataset.face;
const given = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname);

const url = location.origin.replace("http", "ws");
const GATEWAY = "/prod/gateway-service/api/v1/endpoints";
const number = face === "handset" ? decodeURIComponent(location.pathname.split("/").pop()) : "";
const title = face === "handset" ? `Handset · ${party(number)}` : "Softphone";

/** What a token is for: a participant's says its version, anything else is an endpoint's. */
function grant(token) {
  let claims = {};
  try {
    claims = JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
  } catch {
    // The platform will say what is wrong with it.
  }
  return "v" in claims ? { dialect: "v3", url, token } : { dialect: "brtc", url: url + GATEWAY, token };
}

/** A ticket for this phone, where the platform gives one to anybody on this machine. */
async function ticket() {
  const answer = await fetch(`/_local/phones/${encodeURIComponent(number)}/ticket`, { method: "POST" });
  if (answer.ok) return (await answer.json()).ticket;
  throw new Error(answer.status === 401 ? "Open this page again from the notebook: its ticket is good for one visit." : `The platform gave no ticket (${answer.status}).`);
}

document.title = title;
const place = box(document.querySelector("main"), title);
place.root.classList.toggle("wb-dark", matchMedia("(prefers-color-scheme: dark)").matches);
const talk = new Talk();

if (face === "handset") {
  let mine = given.get("ticket");
  const connect = async () => {
    try {
      talk.connect({ dialect: "handset", url, token: mine || (await ticket()) });
    } catch (error) {
      place.say(error.message, "error");
    }
    mine = null;
  };
  handset(place, talk, { connect, dial: (_node, to) => talk.line.ask("dial", { to: to.replace(/[\s().-]/g, "") }) });
} else {
  let mine = given.get("token");
  const token = h("input", { class: "wb-input wb-wide", type: "password", autocomplete: "off", spellcheck: "false" });
  const form = h("div", { class: "wb-form" }, h("label", {}, "Token of a participant or an endpoint", token));
  form.hidden = Boolean(mine);
  place.body.append(form);
  const connect = () => {
    const wanted = mine || token.value.trim();
    mine = null;
    token.value = "";
    if (wanted) talk.connect(grant(wanted));
    else place.say("Paste a token first, or open this page from the notebook.", "error");
  };
  talk.addEventListener("change", () => (form.hidden = talk.up));
  softphone(place, talk, { connect });
}
