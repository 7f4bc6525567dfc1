// What Atlassian's library says to a list of requests: its hash of each, a token that it makes, and what it reads from ours.
// Cases come as JSON on standard input, answers leave as JSON on standard output.
'use strict';
const jwt = require('atlassian-jwt');

const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const answers = cases.map(({ method, url, base, secret, claims, token }) => {
  const request = jwt.fromMethodAndUrl(method, url);
  const canonical = jwt.createCanonicalRequest(request, false, base);
  const qsh = jwt.createQueryStringHash(jwt.fromMethodAndUrl(method, url), false, base);
  return {
    canonical,
    qsh,
    token: jwt.encodeSymmetric({ ...claims, qsh }, secret, 'HS256'),
    claims: jwt.decodeSymmetric(token, secret, 'HS256'),
  };
});
process.stdout.write(JSON.stringify(answers));
