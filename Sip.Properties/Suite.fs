// Suite: every law, in the order of the chapters.

module Sip.Properties.Suite

open Expecto
open Sip.Properties.Grammar
open Sip.Properties.Registrar
open Sip.Properties.Outbound
open Sip.Properties.Locating

let private registrar =
    testList "Registrar" [ NameLaws.all; RegisterLaws.all; BindingsLaws.all; RegEventLaws.all ]

let private identity =
    testList
        "Identity"
        [
            CredentialLaws.all
            NonceLaws.all
            NonceCountLaws.all
            AuthenticationLaws.all
            SecrecyLaws.all
            PrincipalLaws.all
        ]

let private outbound =
    testList
        "Outbound"
        [ TokenLaws.all; GruuLaws.all; FlowRouteLaws.all; StunLaws.all; NatLaws.all ]

/// Every law.
let all: Test =
    testList
        "Laws"
        [
            VocabularyLaws.all
            WireLaws.all
            GrammarLaws.all
            StreamLaws.all
            ClientLaws.all
            identity
            registrar
            outbound
            AdmissionLaws.all
            RoutingLaws.all
            AllocationLaws.all
            TransactionLaws.all
            ForkLaws.all
            ForkingLaws.all
            ResolutionLaws.all
            SetupLaws.all
            World.WorldLaws.all
            World.ShardLaws.all
            World.HostileLaws.all
            World.FarEndLaws.all
        ]
