set -eu
grep -q 'Hello, ' out/greeting.js
grep -q 'greeting.js' out/server.js
