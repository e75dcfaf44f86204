// @solana/web3.js, unchanged, against the chain at argv[2] (HTTP) and argv[3] (WebSocket).
// Prints one JSON object; test_web3_js.py asserts on it.
import {
  ComputeBudgetProgram,
  Connection,
  Keypair,
  LAMPORTS_PER_SOL,
  SendTransactionError,
  SystemProgram,
  Transaction,
  TransactionMessage,
  VersionedTransaction,
  sendAndConfirmTransaction,
} from "@solana/web3.js";

const [url, wsEndpoint] = process.argv.slice(2);
const connection = new Connection(url, { commitment: "confirmed", wsEndpoint });
const alice = Keypair.generate();
const bob = Keypair.generate().publicKey;
const pay = (lamports) =>
  SystemProgram.transfer({ fromPubkey: alice.publicKey, toPubkey: bob, lamports });

const airdrop = await connection.requestAirdrop(alice.publicKey, 5 * LAMPORTS_PER_SOL);
const latest = await connection.getLatestBlockhash();
await connection.confirmTransaction({ signature: airdrop, ...latest }, "confirmed");

const accountChange = new Promise((resolve) => {
  connection.onAccountChange(bob, (info) => resolve(info.lamports), { commitment: "confirmed" });
});
const slotChange = new Promise((resolve) => connection.onSlotChange(resolve));

const signature = await sendAndConfirmTransaction(
  connection,
  new Transaction().add(ComputeBudgetProgram.setComputeUnitPrice({ microLamports: 7 }), pay(LAMPORTS_PER_SOL)),
  [alice],
  { preflightCommitment: "processed" },
);

const { blockhash, lastValidBlockHeight } = await connection.getLatestBlockhash("processed");
const versioned = new VersionedTransaction(
  new TransactionMessage({
    payerKey: alice.publicKey,
    recentBlockhash: blockhash,
    instructions: [pay(1000)],
  }).compileToV0Message(),
);
versioned.sign([alice]);
const versionedSignature = await connection.sendTransaction(versioned, {
  preflightCommitment: "processed",
});
await connection.confirmTransaction(
  { signature: versionedSignature, blockhash, lastValidBlockHeight },
  "confirmed",
);
const simulated = await connection.simulateTransaction(versioned, {
  replaceRecentBlockhash: true,
  commitment: "processed",
});

const overspend = await sendAndConfirmTransaction(
  connection,
  new Transaction().add(pay(100 * LAMPORTS_PER_SOL)),
  [alice],
  { preflightCommitment: "processed" },
).then(
  () => null,
  (error) => error,
);

const plain = await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 });
const parsed = await connection.getParsedTransaction(signature, {
  maxSupportedTransactionVersion: 0,
});
const version0 = await connection.getTransaction(versionedSignature, {
  maxSupportedTransactionVersion: 0,
});
const infos = await connection.getMultipleAccountsInfo([
  alice.publicKey,
  bob,
  Keypair.generate().publicKey,
]);
const listed = await connection.getSignaturesForAddress(bob);
const block = await connection.getBlock(plain.slot, { maxSupportedTransactionVersion: 0 });
const fees = await connection.getRecentPrioritizationFees({ lockedWritableAccounts: [bob] });
const statuses = await connection.getSignatureStatuses([signature, versionedSignature], {
  searchTransactionHistory: true,
});

console.log(
  JSON.stringify({
    fee: plain.meta.fee,
    transferred: parsed.transaction.message.instructions[1].parsed.info.lamports,
    version: version0.version,
    infos: infos.map((info) => info && info.lamports),
    listed: listed.map((one) => one.signature).sort(),
    sent: [signature, versionedSignature].sort(),
    blockHeight: block.blockHeight,
    blockHasIt: block.transactions.some((one) => one.transaction.signatures[0] === signature),
    price: fees.find((one) => one.slot === plain.slot).prioritizationFee,
    statuses: statuses.value.map((status) => status.err),
    simulated: simulated.value.err,
    accountChange: await accountChange,
    slotChange: (await slotChange).slot,
    overspendIsSendError: overspend instanceof SendTransactionError,
    overspend: overspend.message,
    overspendLogs: overspend.logs,
  }),
);
process.exit(0);
