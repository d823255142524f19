// A charge point made with npm's ocpp-rpc, strict validation on: boots, starts when told, meters, stops when told.
// node charge.js <ws url> <identity> <password> <subprotocol>
import { createRequire } from "node:module";

// The package lives in a cache folder, which NODE_PATH names; only `require` looks there.
const { RPCClient } = createRequire(import.meta.url)("ocpp-rpc");

const [endpoint, identity, password, protocol] = process.argv.slice(2);
const is16 = protocol === "ocpp1.6";
const now = () => new Date().toISOString();

const client = new RPCClient({ endpoint, identity, password, protocols: [protocol], strictMode: true, callTimeoutMs: 15000, maxReconnects: 0 });
// In strict mode a message that breaks the schema is an error of its own, whoever sent it.
client.on("strictValidationFailure", (failure) => fail(`not valid: ${JSON.stringify(failure.error?.message)}`));

function fail(words) {
  console.error(words);
  process.exit(1);
}

function told(action) {
  return new Promise((resolve) => client.handle(action, ({ params }) => {
    resolve(params);
    return { status: "Accepted" };
  }));
}

const toStart = told(is16 ? "RemoteStartTransaction" : "RequestStartTransaction");
const toStop = told(is16 ? "RemoteStopTransaction" : "RequestStopTransaction");
const known = { key: "HeartbeatInterval", readonly: false, value: "300" };
client.handle("GetConfiguration", () => ({ configurationKey: [known], unknownKey: [] }));
client.handle("GetVariables", ({ params }) => ({
  getVariableResult: params.getVariableData.map((asked) => ({ ...asked, attributeStatus: "Accepted", attributeValue: "300" })),
}));

const say = (action, params) => client.call(action, params);
const check = (truth, words) => truth || fail(words);

async function charge16() {
  const boot = await say("BootNotification", { chargePointVendor: "Vendor", chargePointModel: "Model" });
  check(boot.status === "Accepted", "not accepted");
  check((await say("Heartbeat", {})).currentTime, "no time");
  const status = (word) => say("StatusNotification", { connectorId: 1, errorCode: "NoError", status: word });
  await status("Available");
  console.log("available");
  const { idTag } = await toStart;
  await status("Preparing");
  check((await say("Authorize", { idTag })).idTagInfo.status === "Accepted", "token refused");
  const begun = await say("StartTransaction", { connectorId: 1, idTag, meterStart: 1000, timestamp: now() });
  check(begun.idTagInfo.status === "Accepted", "start refused");
  const { transactionId } = begun;
  await status("Charging");
  await say("MeterValues", {
    connectorId: 1,
    transactionId,
    meterValue: [{ timestamp: now(), sampledValue: [{ value: "1.7", unit: "kWh", measurand: "Energy.Active.Import.Register" }] }],
  });
  console.log("charging");
  const stop = await toStop;
  check(stop.transactionId === transactionId, "another transaction is to be stopped");
  await say("StopTransaction", { transactionId, meterStop: 2500, timestamp: now(), reason: "Remote", idTag });
  await status("Available");
}

async function charge2x() {
  const boot = await say("BootNotification", { reason: "PowerUp", chargingStation: { vendorName: "Vendor", model: "Model" } });
  check(boot.status === "Accepted", "not accepted");
  check((await say("Heartbeat", {})).currentTime, "no time");
  const status = (word) => say("StatusNotification", { timestamp: now(), connectorStatus: word, evseId: 1, connectorId: 1 });
  await status("Available");
  console.log("available");
  const { idToken, remoteStartId } = await toStart;
  await status("Occupied");
  check((await say("Authorize", { idToken })).idTokenInfo.status === "Accepted", "token refused");
  const transactionId = `npm-${identity}`;
  let seqNo = 0;
  const event = (eventType, triggerReason, wh, context, more = {}, info = {}) => say("TransactionEvent", {
    eventType, triggerReason, timestamp: now(), seqNo: seqNo++,
    transactionInfo: { transactionId, ...info },
    evse: { id: 1, connectorId: 1 },
    meterValue: [{ timestamp: now(), sampledValue: [{ value: wh, context }] }],
    ...more,
  });
  const begun = await event("Started", "RemoteStart", 1000, "Transaction.Begin", { idToken }, { remoteStartId, chargingState: "Charging" });
  check(begun.idTokenInfo.status === "Accepted", "start refused");
  await event("Updated", "MeterValuePeriodic", 1700, "Sample.Periodic", {}, { chargingState: "Charging" });
  console.log("charging");
  const stop = await toStop;
  check(stop.transactionId === transactionId, "another transaction is to be stopped");
  await event("Ended", "RemoteStop", 2500, "Transaction.End", {}, { stoppedReason: "Remote" });
  await status("Available");
}

try {
  await client.connect();
  check(client.protocol === protocol, `the portal chose ${client.protocol}`);
  console.log("connected");
  await (is16 ? charge16() : charge2x());
  await client.close();
  console.log("done");
} catch (error) {
  fail(`${error.rpcErrorCode || error.name}: ${error.message} ${JSON.stringify(error.details ?? "")}`);
}
