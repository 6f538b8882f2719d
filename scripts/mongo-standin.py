# Runs a stand-in for MongoDB for the tests and prints its address: mongo-standin.py PORT DATADIR [OPTIONS]
# Port 0 takes a free one.
#   --with-parent      ends when its standard input does
#   --sync-on-request  waits for the disk only where a write asks for the journal, as MongoDB does
#
# SecantusDB is a beta under GPL-2.0: a test tool that runs in a process of its own. The product neither contains
# it nor depends on it. What it cannot prove stands in docs/mongodb.md.
import signal
import sys
import threading

import secantus.transactions
from secantus import SecantusDBServer

# It walks through all retryable writes of the last half hour at each further one; few are enough for tests.
secantus.transactions._RETRYABLE_RECORD_MAX = 200

server = SecantusDBServer(
    host="127.0.0.1",
    port=int(sys.argv[1]),
    storage_path=sys.argv[2],
    ttl_sweep_seconds=1.0,
    # What a client left open that was killed is in everybody's way for so long. MongoDB's own default is 60.
    transaction_lifetime_seconds=10.0,
    sync_on_commit="--sync-on-request" not in sys.argv,
    enable_test_commands=True,
)
stop = threading.Event()
for name in (signal.SIGTERM, signal.SIGINT):
    signal.signal(name, lambda *_: stop.set())
if "--with-parent" in sys.argv:
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()

server.start()
print(f"{server.uri}?replicaSet=secantus", flush=True)
stop.wait()
server.stop()
