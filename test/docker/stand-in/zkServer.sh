#!/bin/bash
# start-foreground and status of ZooKeeper's own zkServer.sh, for the stand-in image.
case ${1:-} in
  start-foreground)
    exec java "-Xmx${ZK_SERVER_HEAP:-1000}m" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dzookeeper.jmx.log4j.disable=true \
      -Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.logFile=System.out $JVMFLAGS $SERVER_JVMFLAGS \
      -cp /usr/share/java/zookeeper-jute.jar:/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar \
      org.apache.zookeeper.server.quorum.QuorumPeerMain "${ZOO_CONF_DIR:-/conf}/zoo.cfg"
    ;;
  status)
    exec 3<>/dev/tcp/127.0.0.1/2181 && printf srvr >&3 && timeout 3 cat <&3 | grep ^Mode
    ;;
  *)
    echo "usage: zkServer.sh start-foreground|status" >&2
    exit 2
    ;;
esac
