// Watches a run to its end. Run with:
//   npm i socket.io-client && node watch.mjs http://127.0.0.1:3000 TOKEN RUN_ID
// After a reconnect it joins again with the last `seq` it saw, so that nothing is missed and nothing comes twice.
import { io } from 'socket.io-client';

const [url, token, runId] = process.argv.slice(2);
if (!runId) {
  console.error('usage: node watch.mjs URL TOKEN RUN_ID');
  process.exit(2);
}
const socket = io(url, { auth: { token } });
let since;

socket.on('connect', () => {
  socket.emit('workflow_run_join', { runId, since }, (ack) => {
    if (!ack.ok) {
      console.error(`${ack.error.code}: ${ack.error.message}`);
      process.exit(1);
    }
    console.log(`joined ${ack.instanceID}: ${ack.status}, ${ack.seq} rows so far`);
  });
});
socket.on('connect_error', (error) => console.error(`refused: ${error.message} ${error.data?.code ?? ''}`));
socket.on('workflow_node_update', (update) => {
  since = update.seq;
  console.log(`${update.seq}\t${update.nodeID}\t${update.status}\t${JSON.stringify(update.output)}`);
});
socket.on('workflow_status_update', (update) => {
  console.log(`${update.seq}\t${update.status}\t${update.error ?? JSON.stringify(update.output)}`);
  socket.disconnect();
});
