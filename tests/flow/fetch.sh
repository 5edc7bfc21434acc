#!/bin/bash
# cluster: none
# transports: ring
# seconds: 180
#
# A guest whose host gives no certificates is provisioned all the same, once
# its owner allows that the vendor is asked; from then on the owner's cache is
# enough. The vendor is a server on this machine that has what the fake guest's
# vendor issued.
# shellcheck source=guest_lib.sh
. "$(dirname "$0")/guest_lib.sh"
cd "$(dirname "$0")/../.."
guest_cluster
# shellcheck source=lib.sh
. tests/flow/lib.sh
trap 'status=$?; web_end; guest_end || true; exit $status' EXIT

# web_begin FOLDER: serves the files of FOLDER by the end of a request's path
# up to its query; FOLDER/asked has a line for each request.
web_begin() {
	: >"$1/asked"
	perl -MIO::Socket::INET -e '
		my ($dir) = @ARGV;
		my $s = IO::Socket::INET->new(Listen => 8,
			LocalAddr => "127.0.0.1", ReuseAddr => 1) or die $!;
		open my $f, ">", "$dir/port.new" or die; print $f $s->sockport;
		close $f; rename "$dir/port.new", "$dir/port";
		while (my $c = $s->accept) {
			my $line = <$c> // next;
			while (my $h = <$c>) { last if $h =~ /^\r?\n$/ }
			my ($path) = $line =~ m{^GET (/\S*) HTTP} or next;
			open my $log, ">>", "$dir/asked"; print $log "$path\n";
			close $log;
			my ($name) = $path =~ m{/([a-z0-9_]+)(?:\?[^/]*)?$};
			my ($status, $body) = ("404 No", "");
			if (defined $name and open my $b, "<", "$dir/$name") {
				local $/; $body = <$b>; $status = "200 Yes";
			}
			print $c "HTTP/1.1 $status\r\nConnection: close\r\n",
				"Content-Length: ", length $body, "\r\n\r\n",
				$body;
			close $c;
		}' "$1" &
	web_pid=$!
	wait_for 30 test -s "$1/port" || fail "the vendor does not answer"
	printf '{"v":1,"amd":"http://127.0.0.1:%s"}' "$(cat "$1/port")" \
		>"$CLOISTER_HOME/fetch.json"
}

web_end() {
	[ -z "${web_pid-}" ] || kill "$web_pid" 2>/dev/null || true
	web_pid=
}

asked() { expect "$1" "$(wc -l <"$web/asked")" "requests to the vendor"; }

provisioned() {
	cloister provision "$@" >"$WORK/out" 2>&1 ||
		fail "provision $*: $(cat "$WORK/out")"
	guest_has yes
}

restart() {
	agent_stop primary
	guest_agent
}

sql 'CREATE EXTENSION cloister' >/dev/null
cloister init >/dev/null
guest_begin alone snp --tsm --no-certs
guest_report "$guest/report"
guest_accept "$guest/report" "$policy"
judged 1 false unknown vek "$guest/report" --nonce "$nonce"
not_provisioned vek
guest_has no

# What the vendor has: chain as PEM, the list, the VCEK by its chip's id.
web=$guest/web
e=$guest/endorsements
mkdir "$web"
for cert in cert1 cert0; do
	openssl x509 -inform der -in "$e/$cert"
done >"$web/cert_chain"
cp "$e/crl0" "$web/crl"
judged 0 true ok '' "$guest/report" --nonce "$nonce" --endorsements "$e"
chip=$(python3 -c 'import json, sys
f = json.load(open(sys.argv[1]))["fields"]
print(f.get("report", f)["chip_id"])' "$WORK/json")
cp "$e/cert2" "$web/$chip"
web_begin "$web"

# Nobody is asked unless the owner says so.
not_provisioned vek
asked 0
cloister provision --fetch --no-cache >"$WORK/out" 2>&1 &&
	fail "--fetch without a cache"
provisioned --fetch
asked 3
say 'ok: provisioned with what the vendor said'

# The cache is enough from now on, also when the vendor is gone.
restart
guest_has no
provisioned
provisioned --fetch
asked 3
web_end
restart
provisioned --fetch
judged 0 true ok '' "$guest/report" --nonce "$nonce"
judged 1 false unknown vek "$guest/report" --nonce "$nonce" --no-cache
say 'ok: provisioned from the cache'

# The same by hand, into a folder.
cloister fetch-endorsements "$guest/report" --out "$WORK/amd" >"$WORK/out" ||
	fail "fetch-endorsements: $(cat "$WORK/out")"
judged 0 true ok '' "$guest/report" --nonce "$nonce" --endorsements "$WORK/amd"
rm -r "$CLOISTER_HOME/endorsements"
! cloister fetch-endorsements "$guest/report" >"$WORK/out" 2>&1 ||
	fail "a vendor that is gone answers"
grep -q 'cannot be asked' "$WORK/out" || fail "$(cat "$WORK/out")"
say 'ok: a folder of endorsements'
