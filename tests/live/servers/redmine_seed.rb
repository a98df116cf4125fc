Redmine::DefaultData::Loader.load('en') if Redmine::DefaultData::Loader.no_data?
Setting.rest_api_enabled = '1'
Setting.host_name = "#{ENV['RM_HOST']}:#{ENV['RM_PORT']}"
Setting.protocol = 'http'
Setting.default_language = 'en'
Setting.text_formatting = 'textile'
Setting.notified_events = []
Setting.login_required = '1'
key = lambda { |user, value| Token.where(:user_id => user.id, :action => 'api').delete_all
  t = Token.new(:user => user, :action => 'api'); t.save!; t.update_column(:value, value) }
admin = User.find_by_login('admin')
admin.password = admin.password_confirmation = ENV['RM_PASSWORD']; admin.must_change_passwd = false; admin.mail_notification = 'none'; admin.save!
key.call(admin, ENV['RM_ADMIN_KEY'])
mk = lambda { |login, first, last, mail| u = User.find_by_login(login) || User.new
  u.login = login; u.firstname = first; u.lastname = last; u.mail = mail; u.language = 'en'; u.mail_notification = 'none'
  u.password = u.password_confirmation = ENV['RM_PASSWORD']; u.save!; u }
gw = mk.call('gateway', 'Integration', 'Gateway', 'gateway@customer.example.test'); key.call(gw, ENV['RM_GATEWAY_KEY'])
pa = mk.call('paula', 'Paula', 'Provider', 'paula@provider.example.test'); key.call(pa, ENV['RM_AGENT_KEY'])
open_s = IssueStatus.find_by_name('New')
# ITSM-like trackers instead of Bug / Feature / Support
{ 'Bug' => 'Incident', 'Feature' => 'Problem', 'Support' => 'Service request' }.each { |a, b| t = Tracker.find_by_name(a); t.update!(:name => b) if t }
pending = IssueStatus.find_by_name('Feedback'); pending.update!(:name => 'Pending') if pending
role = Role.find_by_name('Manager'); role.add_permission!(:view_private_notes, :set_notes_private, :add_issue_notes, :edit_issues, :add_issues, :log_time, :view_time_entries)
# every move between statuses is allowed (the default workflow already allows it for Manager)
cf = lambda { |name, fmt, extra = {}| IssueCustomField.find_by_name(name) || IssueCustomField.create!({ :name => name, :field_format => fmt, :is_for_all => true, :is_filter => true, :searchable => (fmt == 'string'), :trackers => Tracker.all }.merge(extra)) }
cf.call('External Reference', 'string'); cf.call('Impact', 'list', :possible_values => %w(High Medium Low)); cf.call('Urgency', 'list', :possible_values => %w(High Medium Low)); cf.call('Asset Tag', 'string')
p = Project.find_by_identifier('escalations') || Project.create!(:name => 'Escalations', :identifier => 'escalations', :is_public => false, :enabled_module_names => %w(issue_tracking time_tracking files), :trackers => Tracker.all)
IssueCategory.find_or_create_by!(:project => p, :name => 'Network'); IssueCategory.find_or_create_by!(:project => p, :name => 'Hardware')
[gw, pa].each { |u| Member.create!(:project => p, :principal => u, :roles => [role]) unless p.members.where(:user_id => u.id).exists? }
puts 'seeded'
