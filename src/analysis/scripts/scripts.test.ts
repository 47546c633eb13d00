import { kindsIn } from '../../../test/analysis/analyse-text.ts';

type Cases = Record<string, { bad: string[]; good: string[] }>;

const PYTHON: Cases = {
  'command-injection': {
    bad: [
      "subprocess.run(f'tar xf {name}', shell=True)",
      'subprocess.call(\n  command,\n  shell=True,\n)',
      "os.system('rm ' + name)",
    ],
    good: [
      "subprocess.run(['tar', 'xf', name])",
      "subprocess.run('ls', shell=True)",
      '# os.system(name)',
      '"""\nos.system(name)\n"""',
    ],
  },
  'code-injection': {
    bad: ['x = eval(text)'],
    good: ['x = ast.literal_eval(text)', 'model.eval()', "x = eval('1 + 1')"],
  },
  'unsafe-deserialization': {
    bad: ['pickle.loads(body)', 'yaml.load(text)'],
    good: ['yaml.load(text, Loader=yaml.SafeLoader)', 'json.loads(body)'],
  },
  'sql-injection': {
    bad: [
      'cursor.execute(f"SELECT a FROM t WHERE id = {id}")',
      'cursor.execute("SELECT a FROM t WHERE id = %s" % id)',
      "query = 'SELECT a FROM t WHERE n = ' + name",
    ],
    good: ['cursor.execute("SELECT a FROM t WHERE id = %s", (id,))', 'cursor.execute(f"SELECT 1")'],
  },
  'tls-verification-off': {
    bad: ['requests.get(url, verify=False)'],
    good: ['requests.get(url, verify=path)'],
  },
  'weak-hash': {
    bad: ['def hash_password(p):\n    return hashlib.md5(p).hexdigest()'],
    good: ['etag = hashlib.md5(body).hexdigest()'],
  },
  'weak-random': {
    bad: ["token = ''.join(random.choice(letters) for _ in range(9))"],
    good: ['delay = random.random()'],
  },
  'mutable-default': {
    bad: ['def f(x, seen=[]):\n    pass'],
    good: ['def f(x, seen=None):\n    pass', 'f(seen=[])'],
  },
  'bare-except': {
    bad: ['try:\n    f()\nexcept:\n    pass'],
    good: ['try:\n    f()\nexcept ValueError:\n    pass'],
  },
  'identity-of-literal': {
    bad: ["if x is 'a':\n    f()"],
    good: ['if x is None:\n    f()', "print('it is 5')"],
  },
  'n-plus-one': {
    bad: ['for id in ids:\n    cursor.execute(QUERY, (id,))', 'for u in urls:\n    r = requests.get(u)'],
    good: ['for batch in batches:\n    cursor.execute(QUERY, (batch,))', 'cursor.execute(QUERY, (ids,))'],
  },
  'quadratic-search': {
    bad: ['seen = []\nfor x in xs:\n    if x not in seen:\n        seen.append(x)'],
    good: ['seen = set()\nfor x in xs:\n    if x not in seen:\n        seen.add(x)'],
  },
  'catastrophic-regex': { bad: ["P = re.compile(r'^(a+)+$')"], good: ["P = re.compile(r'^a+$')"] },
};

const SHELL: Cases = {
  'remote-script': {
    bad: ['curl -fsSL https://example.com/i.sh | sudo bash'],
    good: ['curl -o i.sh https://example.com/i.sh', '# curl https://a | sh'],
  },
  'code-injection': { bad: ['eval "$1"'], good: ['eval "$(ssh-agent -s)"'] },
  'tls-verification-off': {
    bad: ['curl -sk https://example.com', 'wget \\\n  --no-check-certificate https://a'],
    good: ['curl -s https://example.com/k'],
  },
  'world-writable': { bad: ['chmod -R 777 /srv'], good: ['chmod 755 /srv'] },
  'unguarded-delete': {
    bad: ['rm -rf $DIR/build', 'rm -rf "$DIR/"'],
    good: ['rm -rf "${DIR:?}/build"', 'rm -rf build'],
  },
};

describe.each([
  ['a.py', PYTHON],
  ['a.sh', SHELL],
])('in %s', (path, cases) => {
  describe.each(Object.entries(cases))('%s', (kind, { bad, good }) => {
    test.each(bad)('is found in %s', (text) => {
      expect(kindsIn(text, path)).toContain(kind);
    });

    test.each(good)('is not seen in %s', (text) => {
      expect(kindsIn(text, path)).not.toContain(kind);
    });
  });
});
