use strict; use warnings;
our (@Queues, @Users, @Groups, @CustomFields, @ACL, @Scrips);
@Groups = ({ Name => 'Provider Desk', Description => 'agents of the provider' });
@Queues = (
  { Name => 'Escalations', Description => 'tickets escalated by the customer', CorrespondAddress => 'escalations@peer-rt.example.test', CommentAddress => 'escalations-comment@peer-rt.example.test' },
  { Name => 'Field Service', Description => 'on-site work' },
  { Name => 'Managed', Description => 'a lifecycle of its own', Lifecycle => 'managed' },
);
@CustomFields = (
  { Name => 'External Reference', Type => 'FreeformSingle', LookupType => 'RT::Queue-RT::Ticket', Description => 'id of the ticket in the customer system' },
  { Name => 'Impact',  Type => 'SelectSingle', LookupType => 'RT::Queue-RT::Ticket', Values => [ map { { Name => $_ } } qw(High Medium Low) ] },
  { Name => 'Urgency', Type => 'SelectSingle', LookupType => 'RT::Queue-RT::Ticket', Values => [ map { { Name => $_ } } qw(High Medium Low) ] },
  { Name => 'Asset Tag', Type => 'FreeformMultiple', LookupType => 'RT::Queue-RT::Ticket' },
);
@Users = (
  { Name => 'gateway', RealName => 'Integration Gateway', EmailAddress => 'gateway@customer.example.test', Password => $ENV{RT_GATEWAY_PASSWORD}, Privileged => 1 },
  { Name => 'paula', RealName => 'Paula Provider', EmailAddress => 'paula@peer-rt.example.test', Password => $ENV{RT_GATEWAY_PASSWORD}, Privileged => 1 },
);
@ACL = (
  ( map { { UserId => 'gateway', Right => $_ } } qw(ManageAuthTokens AdminUsers ShowUserHistory ModifySelf SetInitialCustomField SeeGroup) ),
  ( map { my $u = $_; map { { UserId => $u, Right => $_ } }
      qw(CreateTicket ShowTicket ShowTicketComments CommentOnTicket ReplyToTicket ModifyTicket OwnTicket TakeTicket StealTicket ReassignTicket SeeQueue SeeCustomField ModifyCustomField Watch WatchAsAdminCc ShowOutgoingEmail) } qw(gateway paula) ),
);
# A webhook on every change: RT has none of its own, a Scrip with Perl code does it.
# URL and secret come from RT_HOME/webhook.json, read at each call (no restart to change it).
@Scrips = ({
  Description    => 'POST every transaction to a webhook with an HMAC header',
  Queue          => 0,
  ScripCondition => 'On Transaction',
  ScripAction    => 'User Defined',
  Template       => 'Blank',
  Stage          => 'TransactionCreate',
  CustomPrepareCode => 'return 1;',
  CustomCommitCode  => <<'CODE',
    my $file = $RT::VarPath . '/webhook.json';
    return 1 unless -s $file;
    require JSON; require LWP::UserAgent; require Digest::SHA; require HTTP::Request;
    my $ok = eval {
        open my $fh, '<', $file or die $!; local $/; my $c = JSON::from_json(<$fh>); close $fh;
        return 1 unless $c->{url};
        my $txn = $self->TransactionObj; my $t = $self->TicketObj;
        my $body = JSON->new->utf8->canonical->encode({
            event => 'ticket.' . lc($txn->Type), delivery => 'rt-txn-' . $txn->id,
            ticket => { id => $t->id + 0, subject => $t->Subject, status => $t->Status, priority => $t->Priority + 0,
                        queue => $t->QueueObj->Name, owner => $t->OwnerObj->Name, last_updated => $t->LastUpdatedObj->W3CDTF(Timezone => 'UTC') },
            transaction => { id => $txn->id + 0, type => $txn->Type, field => $txn->Field, old => $txn->OldValue, new => $txn->NewValue,
                        data => $txn->Data, creator => $txn->CreatorObj->Name, created => $txn->CreatedObj->W3CDTF(Timezone => 'UTC') },
        });
        my $ts = time;
        my $req = HTTP::Request->new(POST => $c->{url}, [ 'Content-Type' => 'application/json', 'X-RT-Timestamp' => $ts,
            'X-RT-Delivery' => 'rt-txn-' . $txn->id,
            'X-RT-Signature' => 'sha256=' . Digest::SHA::hmac_sha256_hex("$ts.$body", $c->{secret}) ], $body);
        my $res = LWP::UserAgent->new(timeout => 15, agent => 'rt-webhook/1')->request($req);
        $RT::Logger->warning('webhook ' . $res->status_line) unless $res->is_success;
        1;
    };
    $RT::Logger->error("webhook: $@") unless $ok;
    return 1;   # never fails the ticket change
CODE
});
