// Resolution: where a SIP URI leads: transport, address and port, in the order in which they are to be
// tried (RFC 3263 §4.1, §4.2). A function of what is known: it says what else has to be asked, and is
// called again with the answers, until it has a list or knows that there is none.

namespace Sip.Routing

open System
open Sip

/// A value that may wait for answers.
[<RequireQualifiedAccess>]
type private Known<'value> =
    | Value of 'value
    | Needs of Question list

/// Resolving URIs.
[<RequireQualifiedAccess>]
module Resolution =

    // So many servers of one service are looked up, and so many addresses of one name taken.
    let private most = 8

    let private map f known =
        match known with
        | Known.Value value -> Known.Value(f value)
        | Known.Needs questions -> Known.Needs questions

    let private bind f known =
        match known with
        | Known.Value value -> f value
        | Known.Needs questions -> Known.Needs questions

    // Everything that is missing is asked at once.
    let private all (known: Known<'value list> list) : Known<'value list> =
        let needs =
            known
            |> List.collect (fun k ->
                match k with
                | Known.Needs questions -> questions
                | Known.Value _ -> [])

        if needs.IsEmpty then
            known
            |> List.collect (fun k ->
                match k with
                | Known.Value values -> values
                | Known.Needs _ -> [])
            |> Known.Value
        else
            Known.Needs(List.distinct needs)

    type private Search =
        {
            Means: Means
            Dice: Dice
            Know: Question -> Answer voption
            Secure: Scheme
        }

    let private ask (search: Search) (question: Question) : Known<Answer> =
        match search.Know question with
        | ValueSome answer -> Known.Value answer
        | ValueNone -> Known.Needs [ question ]

    let private defaultPort (transport: Dialled) =
        Transport.defaultPort (Hop.dialled transport)

    let private addressesOf (answer: Answer) =
        match answer with
        | Answer.Addresses found -> List.truncate most found
        | Answer.Naptr _
        | Answer.Srv _
        | Answer.NoSuchName
        | Answer.Failed -> []

    let private questionsFor (families: Families) (name: string) =
        match families with
        | Families.V4 -> [ Question.A name ]
        | Families.V6 -> [ Question.Aaaa name ]
        | Families.Both -> [ Question.Aaaa name; Question.A name ]

    let private addresses search (host: Host) (transport: Dialled) (port: int) domain =
        let place address =
            {
                Transport = transport
                Address = address
                Port = port
                Domain = domain
            }

        match host with
        | Host.Address address -> Known.Value [ place address ]
        | Host.Name name ->
            questionsFor search.Means.Families name
            |> List.map (ask search >> map (addressesOf >> List.map place))
            |> all

    // The name is the wire's: no dot at the end, lower case, and nothing that we never ask.
    let private hostOf (name: string) : Host voption =
        match Host.tryRead (name.TrimEnd('.')) with
        | ValueSome host when not (Host.isInvalid host) -> ValueSome host
        | ValueSome _
        | ValueNone -> ValueNone

    let private servers search domain (transport: Dialled) (name: string) =
        let places (record: SrvRecord) =
            match hostOf record.Target with
            | ValueSome host when record.Port > 0 ->
                addresses search host transport record.Port domain
            | ValueSome _
            | ValueNone -> Known.Value []

        ask search (Question.Srv(name.ToLowerInvariant().TrimEnd '.'))
        |> bind (fun answer ->
            match answer with
            | Answer.Srv records ->
                ServerOrder.arrange search.Dice records
                |> List.truncate most
                |> List.map places
                |> all
            | Answer.Naptr _
            | Answer.Addresses _
            | Answer.NoSuchName
            | Answer.Failed -> Known.Value [])

    let private serviceName (transport: Dialled) (name: string) =
        match transport with
        | Dialled.Udp -> String.Concat("_sip._udp.", name)
        | Dialled.Tcp -> String.Concat("_sip._tcp.", name)
        | Dialled.Tls -> String.Concat("_sips._tcp.", name)

    let private allowed (search: Search) : Dialled list =
        match search.Secure with
        | Scheme.Sips -> List.filter ((=) Dialled.Tls) search.Means.Transports
        | Scheme.Sip -> search.Means.Transports

    // §4.1: SIP+D2U, SIP+D2T and SIPS+D2T; others are for transports that we do not have.
    let private service (search: Search) (record: NaptrRecord) : Dialled voption =
        let wanted =
            match record.Service.ToUpperInvariant(), record.Flags.ToUpperInvariant() with
            | "SIP+D2U", "S" -> ValueSome Dialled.Udp
            | "SIP+D2T", "S" -> ValueSome Dialled.Tcp
            | "SIPS+D2T", "S" -> ValueSome Dialled.Tls
            | _, _ -> ValueNone

        wanted |> ValueOption.filter (fun t -> List.contains t (allowed search))

    let private byRules search domain (records: NaptrRecord list) =
        records
        |> List.sortBy (fun r -> r.Order, r.Preference)
        |> List.truncate most
        |> List.choose (fun r ->
            service search r
            |> ValueOption.map (fun transport -> servers search domain transport r.Replacement)
            |> ValueOption.toOption)
        |> all

    let private orElse next known =
        known
        |> bind (fun found ->
            match found with
            | [] -> next ()
            | _ :: _ -> Known.Value found)

    // The transport that is meant where none is written: UDP, and TLS for SIPS.
    let private usual (search: Search) : Dialled voption =
        match search.Secure, allowed search with
        | _, [] -> ValueNone
        | Scheme.Sip, transports when List.contains Dialled.Udp transports -> ValueSome Dialled.Udp
        | (Scheme.Sip | Scheme.Sips), first :: _ -> ValueSome first

    let private byName search (name: string) domain fallback =
        let bare () =
            addresses search (Host.Name name) fallback (defaultPort fallback) domain

        let services () =
            allowed search
            |> List.map (fun transport ->
                servers search domain transport (serviceName transport name))
            |> all

        ask search (Question.Naptr name)
        |> bind (fun answer ->
            match answer with
            | Answer.Naptr records -> byRules search domain records
            | Answer.Srv _
            | Answer.Addresses _
            | Answer.NoSuchName
            | Answer.Failed -> Known.Value [])
        |> orElse services
        |> orElse bare

    let private ways search (uri: SipUri) (host: Host) (said: Dialled voption) fallback =
        match host, uri.Port, said with
        | Host.Address _, port, _ ->
            let port = ValueOption.defaultValue (defaultPort fallback) port
            addresses search host fallback port host
        | Host.Name _, ValueSome port, _ -> addresses search host fallback port host
        | Host.Name name, ValueNone, ValueSome transport ->
            servers search host transport (serviceName transport name)
            |> orElse (fun () -> addresses search host transport (defaultPort transport) host)
        | Host.Name name, ValueNone, ValueNone -> byName search name host fallback

    // §4: "TARGET" is maddr if there is one, else the host.
    let private target (uri: SipUri) : Host voption =
        match Parameters.value "maddr" uri.Parameters with
        | ValueSome maddr -> hostOf maddr
        | ValueNone when Host.isInvalid uri.Host -> ValueNone
        | ValueNone -> ValueSome uri.Host

    let private dialled (transport: Transport) : Dialled voption =
        match transport with
        | Transport.Udp -> ValueSome Dialled.Udp
        | Transport.Tcp -> ValueSome Dialled.Tcp
        | Transport.Tls -> ValueSome Dialled.Tls
        | Transport.Ws
        | Transport.Wss -> ValueNone

    // What the URI says, what is meant then, or that we cannot do it.
    let private transports search (uri: SipUri) : struct (Dialled voption * Dialled) voption =
        match Uri.said uri with
        | Said.Nothing -> usual search |> ValueOption.map (fun usual -> struct (ValueNone, usual))
        | Said.Exactly transport ->
            dialled transport
            |> ValueOption.filter (fun t -> List.contains t (allowed search))
            |> ValueOption.map (fun t -> struct (ValueSome t, t))
        | Said.WebSocket
        | Said.Unheard _ -> ValueNone

    let private fence (means: Means) (found: Destination list) : Resolved =
        let reachable =
            found
            |> List.distinct
            |> List.filter (fun d -> not (Address.isUnreachable d.Address))

        let isBarred (d: Destination) =
            List.exists (fun range -> Cidr.holds range d.Address) means.Barred

        match reachable, List.filter (isBarred >> not) reachable with
        | [], _ -> Resolved.Nowhere Astray.NoAddress
        | _ :: _, [] -> Resolved.Nowhere Astray.Barred
        | _ :: _, permitted -> Resolved.To permitted

    let private silent (search: Search) (host: Host) =
        let failed question =
            search.Know question = ValueSome Answer.Failed

        match host with
        | Host.Address _ -> false
        | Host.Name name -> List.exists failed (questionsFor search.Means.Families name)

    /// What is known of where a URI leads.
    let resolve
        (means: Means)
        (dice: Dice)
        (know: Question -> Answer voption)
        (uri: SipUri)
        : Resolved =
        let search =
            {
                Means = means
                Dice = dice
                Know = know
                Secure = uri.Scheme
            }

        match target uri, transports search uri with
        | ValueNone, _ -> Resolved.Nowhere Astray.NoAddress
        | _, ValueNone -> Resolved.Nowhere Astray.NoTransport
        | ValueSome host, ValueSome(struct (said, fallback)) ->
            match ways search uri host said fallback with
            | Known.Needs questions -> Resolved.Ask questions
            | Known.Value [] when silent search host -> Resolved.Nowhere Astray.NoAnswer
            | Known.Value found -> fence means found
