# A Request Tracker of its own: nothing under /var or /etc is written. Filled in by tests/live/peers.py.
use utf8;
$RT::MasonDataDir    = '@HOME@/mason';
$RT::MasonSessionDir = '@HOME@/session';
$RT::VarPath         = '@HOME@/var';
Set($rtname, 'peer-rt');
Set($Organization, 'peer-rt.example.test');
Set($WebDomain, '127.0.0.1');
Set($WebPort, @PORT@);
Set($WebBaseURL, 'http://127.0.0.1:@PORT@');
Set($Timezone, '@ZONE@');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '@HOME@/db/rt5.sqlite');
Set($CorrespondAddress, 'rt@peer-rt.example.test');
Set($CommentAddress, 'rt-comment@peer-rt.example.test');
Set($MailCommand, 'mbox');            # outgoing mail is kept in $VarPath, never sent
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
Set($LogToFile, undef);
Set($SendmailPath, '/bin/true');
Set($DisallowExecuteCode, 0);
Set($MaxAttachmentSize, 20_000_000);
# a queue with words of its own: what Tandem calls waiting for the requester is "awaiting" there, and nothing is "stalled"
Set(%Lifecycles, managed => {
  initial => ['new'], active => ['open', 'awaiting'], inactive => ['resolved', 'rejected', 'deleted'],
  defaults => { on_create => 'new', approved => 'open', denied => 'rejected', reminder_on_open => 'open', reminder_on_resolve => 'resolved' },
  transitions => {
    '' => ['new'], new => ['open', 'resolved', 'rejected'], open => ['awaiting', 'resolved', 'rejected'],
    awaiting => ['open', 'resolved', 'rejected'], resolved => ['open'], rejected => ['open'], deleted => [],
  },
  rights => { '* -> *' => 'ModifyTicket' },
});
# RT hashes tokens with bcrypt at cost 12, about 0.4 s of CPU for every REST2 request; a test peer needs no such strength.
Set($BcryptCost, 4);
1;
