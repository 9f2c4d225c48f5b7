// The three flows, driven by Bandwidth's official packages as their samples do it. Prints one line of JSON: what each flow was told.
// PLATFORM: where the platform is; without it the packages go to their own hosts. PHONES: three telephone numbers.
'use strict';

const http = require('node:http');
const voice = require('@bandwidth/voice');
const webrtc = require('@bandwidth/webrtc');

const { PLATFORM, ACCOUNT, APPLICATION, NUMBER, PHONES } = process.env;
const INTERCONNECT = 'sip:sipx.webrtc.bandwidth.com:5060';
const credentials = { basicAuthUserName: 'local', basicAuthPassword: 'local' };
const at = (kind, baseUrl) => (PLATFORM ? { environment: kind.Custom, baseUrl } : {});
const calls = new voice.ApiController(new voice.Client({ ...credentials, ...at(voice.Environment, PLATFORM) }));
const sessions = new webrtc.ApiController(new webrtc.Client({ ...credentials, ...at(webrtc.Environment, `${PLATFORM}/v1`) }));

const events = [];
const waiting = [];
let base;

async function participant() {
  const created = await sessions.createParticipant(ACCOUNT, { publishPermissions: ['AUDIO'], tag: 'p', deviceApiVersion: 'V3' });
  const session = await sessions.createSession(ACCOUNT, { tag: 's' });
  const ids = [ACCOUNT, session.result.id, created.result.participant.id];
  await sessions.addParticipantToSession(...ids, { sessionId: session.result.id });
  const subscriptions = (await sessions.getParticipantSubscriptions(...ids)).result;
  const listed = (await sessions.listSessionParticipants(ACCOUNT, session.result.id)).result;
  if (subscriptions.sessionId !== session.result.id || listed.length !== 1) throw new Error('the session is not as it was made');
  return { ids, token: created.result.token };
}

const dial = (flow, to, more = {}) =>
  calls.createCall(ACCOUNT, {
    from: NUMBER, to, applicationId: APPLICATION, answerUrl: `${base}/${flow}/answer`, disconnectUrl: `${base}/${flow}/disconnect`,
    tag: flow, ...more,
  });

// What the application answers, by the path of the webhook.
const legs = {};
const answers = {
  '/transfer/answer': async (event) => {
    legs.transfer = await participant();
    return webrtc.ApiController.generateTransferBxml(legs.transfer.token, event.callId);
  },
  '/bridge/answer': async (event) => {
    if (event.to !== INTERCONNECT) {
      legs.bridge = await participant();
      legs.phone = event.callId;
      await dial('bridge', INTERCONNECT, { uui: `${legs.bridge.token};encoding=jwt` });
      return new voice.Response(new voice.SpeakSentence({ sentence: 'One moment' }), new voice.Pause({ duration: 60 })).toBxml();
    }
    return new voice.Response(new voice.Bridge({ callId: legs.phone, bridgeCompleteUrl: `${base}/bridge/done` })).toBxml();
  },
  '/conference/answer': async (event) => {
    if (event.to !== INTERCONNECT) {
      legs.conference = await participant();
      await dial('conference', INTERCONNECT, { uui: `${legs.conference.token};encoding=jwt` });
    }
    return new voice.Response(new voice.Conference({ name: 'node', conferenceEventUrl: `${base}/conference/event` })).toBxml();
  },
};

const server = http.createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => { body += chunk; });
  request.on('end', async () => {
    try {
      const event = JSON.parse(body);
      const content = answers[request.url] ? await answers[request.url](event) : '';
      response.end(content);
      events.push({ ...event, flow: request.url.split('/')[1] });
      for (const check of waiting) check();
    } catch (error) {
      fail(error);
    }
  });
});

const heard = (flow, kind, count = 1) =>
  new Promise((resolve) => {
    const check = () => {
      const found = events.filter((event) => event.flow === flow && event.eventType === kind);
      if (found.length >= count) resolve(found);
    };
    waiting.push(check);
    check();
  });

function fail(error) {
  console.error(error.stack, error.errors || error.result || error.body || "");
  process.exit(1);
}

// A Transfer tells nothing when its target answers, so the call's list is asked until the leg is there.
async function joined(path) {
  for (;;) {
    const answer = await new Promise((resolve, reject) => http.get(`${process.env.LOCAL}/_local/events`, resolve).on('error', reject));
    let text = '';
    for await (const chunk of answer) text += chunk;
    if (text.split('"joined"').length > path) return;
  }
}

async function main() {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${server.address().port}`;
  const [first, second, third] = PHONES.split(' ');
  const refused = await calls.createCall(ACCOUNT, { from: NUMBER, to: 'nobody', applicationId: APPLICATION, answerUrl: base }).catch((error) => error);
  const unknown = await calls.getCall(ACCOUNT, 'c-1').catch((error) => error);

  const transfer = (await dial('transfer', first)).result;
  await joined(1);
  const state = (await calls.getCall(ACCOUNT, transfer.callId)).result;
  await calls.modifyCall(ACCOUNT, transfer.callId, { state: 'completed', redirectUrl: '' });
  await heard('transfer', 'disconnect');

  await dial('bridge', second);
  await joined(2);
  await calls.modifyCall(ACCOUNT, legs.phone, { state: 'completed' });
  await heard('bridge', 'disconnect', 2);

  await dial('conference', third);
  const [{ conferenceId }] = await heard('conference', 'conferenceMemberJoin', 2);
  const [room] = (await calls.getConferences(ACCOUNT, 'node')).result;
  const members = (await calls.getConference(ACCOUNT, conferenceId)).result.activeMembers;
  await calls.modifyConferenceMember(ACCOUNT, conferenceId, members[0].callId, { mute: true });
  const member = (await calls.getConferenceMember(ACCOUNT, conferenceId, members[0].callId)).result;
  await calls.modifyConference(ACCOUNT, conferenceId, { status: 'completed' });
  await heard('conference', 'disconnect', 2);

  for (const { ids: [account, session, id] } of [legs.transfer, legs.bridge, legs.conference]) {
    await sessions.removeParticipantFromSession(account, session, id);
    await sessions.deleteParticipant(account, id);
    await sessions.deleteSession(account, session);
  }
  const told = (flow) => events.filter((event) => event.flow === flow).map((event) => event.eventType);
  console.log(JSON.stringify({
    refused: [refused.statusCode, JSON.parse(refused.body).type], unknown: unknown.statusCode,
    transfer: { state: state.state, enqueued: typeof state.enqueuedTime, callUrl: transfer.callUrl, told: told('transfer') },
    bridge: told('bridge').sort(), conference: { same: room.id === conferenceId, members: members.length, mute: member.mute, told: told('conference').sort() },
  }));
  server.close();
  process.exit(0);
}

main().catch(fail);
